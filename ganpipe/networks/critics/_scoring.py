"""What critics have in common: one number at the end, and layers that may be normalised."""

from __future__ import annotations

from typing import Literal

from ganpipe.networks import CriticNetwork
from ganpipe.networks._blocks import Norm


class ScoringCritic(CriticNetwork):
    """output: any real number, or an energy >= 0."""

    output: Literal["score", "energy"]

    @property
    def output_type(self) -> Literal["score", "energy"]:
        return self.output


class NormalisedCritic(CriticNetwork):
    """norm: of its hidden layers; batch norm couples the samples of a batch."""

    norm: Norm

    @property
    def uses_batch_stats(self) -> bool:
        return self.norm == "batch"
