"""An autoencoder whose decoder is the generator (Hinton and Salakhutdinov 2006, Science 313)."""

from __future__ import annotations

from typing import Literal

from ganpipe.procedures._decoding import Decoding


class Autoencoder(Decoding):
    """The encoder and the row's generator as its decoder, down the squared error of the reconstruction.

    Both are trained by `generator_optimizer`, and a code has `latent.size` numbers.
    """

    kind: Literal["autoencoder"]
