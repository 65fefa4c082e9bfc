"""Kingma and Welling 2014 (arXiv 1312.6114): the variational autoencoder; its decoder is the generator."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from ganpipe.params import Choice, Positive
from ganpipe.procedures import Encoder, Player, Procedure


class VAE(Procedure):
    """The encoder and the row's generator as its decoder, down -ELBO. Both are trained by `generator_optimizer`.

    deviation: sigma of p(x|z) = N(G(z), sigma^2 I), per feature in the networks' space (images in [-1, 1], points
    divided by their scale). It is the error that the decoder may make for free: a larger one weighs the prior more,
    as a beta of beta-VAE that is proportional to sigma^2 does.
    """

    kind: Literal["vae"]
    deviation: Positive
    encoder: Annotated[Encoder, Choice("ganpipe.networks.encoders")]
    plays: ClassVar[bool] = False
    pretrains: ClassVar[bool] = False
    trains: ClassVar[frozenset[Player]] = frozenset({"generator"})
    normal: ClassVar[bool] = True

    def unfit(self, shape: tuple[int, ...]) -> str | None:
        return self.encoder.unfit(shape)
