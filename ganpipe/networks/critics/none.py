"""No critic: the procedure trains the generator in another way (autoencoder, VAE, Gaussian mixture)."""

from __future__ import annotations

from typing import Literal

from ganpipe.networks import CriticNetwork


class NoCritic(CriticNetwork):
    """For procedures without a game."""

    kind: Literal["none"]

    @property
    def output_type(self) -> Literal["score", "energy"]:
        return "score"
