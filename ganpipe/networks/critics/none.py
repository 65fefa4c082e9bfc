"""No critic: the algorithm trains the generator in another way (autoencoder, VAE, Gaussian mixture)."""

from __future__ import annotations

from typing import Literal

from ganpipe.networks import CriticNetwork, OutputType


class NoCritic(CriticNetwork):
    """For algorithms without a critic."""

    kind: Literal["none"]

    @property
    def output_type(self) -> OutputType:
        return "score"
