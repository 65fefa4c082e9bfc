"""An autoencoder whose decoder is the generator (Hinton and Salakhutdinov 2006, Science 313)."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from ganpipe.params import Choice
from ganpipe.procedures import Encoder, Player, Procedure


class Autoencoder(Procedure):
    """The encoder and the row's generator as its decoder, down the squared error of the reconstruction.

    Both are trained by `generator_optimizer`, and a code has `latent.size` numbers.
    """

    kind: Literal["autoencoder"]
    encoder: Annotated[Encoder, Choice("ganpipe.networks.encoders")]
    plays: ClassVar[bool] = False
    pretrains: ClassVar[bool] = False
    trains: ClassVar[frozenset[Player]] = frozenset({"generator"})
    normal: ClassVar[bool] = True

    def unfit(self, shape: tuple[int, ...]) -> str | None:
        return self.encoder.unfit(shape)
