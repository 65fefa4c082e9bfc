"""Kingma and Welling 2014 (arXiv 1312.6114): the variational autoencoder; its decoder is the generator."""

from __future__ import annotations

from typing import Literal

from ganpipe.params import Positive
from ganpipe.procedures._decoding import Decoding


class VAE(Decoding):
    """The encoder and the row's generator as its decoder, down -ELBO. Both are trained by `generator_optimizer`.

    deviation: sigma of p(x|z) = N(G(z), sigma^2 I), per feature in the networks' space (images in [-1, 1], points
    divided by their scale). It is the error that the decoder may make for free: a larger one weighs the prior more,
    as a beta of beta-VAE that is proportional to sigma^2 does.
    """

    kind: Literal["vae"]
    deviation: Positive
