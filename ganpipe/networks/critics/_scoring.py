"""Bases of critics: the choice of the output, and of the normalisation."""

from __future__ import annotations

from ganpipe.networks import CriticNetwork, OutputType
from ganpipe.networks._blocks import Norm


class ScoringCritic(CriticNetwork):
    """output: a `score`, any real number, or an `energy` >= 0."""

    output: OutputType

    @property
    def output_type(self) -> OutputType:
        return self.output


class NormalisedCritic(CriticNetwork):
    """norm: of its hidden layers; with batch norm the score of a sample depends on the others of its batch."""

    norm: Norm

    @property
    def uses_batch_stats(self) -> bool:
        return self.norm == "batch"
