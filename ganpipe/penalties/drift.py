"""Drift penalty: Karras et al. 2018 (arXiv 1710.10196), appendix A.1; it keeps the scores of the reals near 0."""

from __future__ import annotations

from typing import Literal

from torch import Generator, Tensor

from ganpipe.critic import CriticBatch, CriticFunction, mean_over_scores
from ganpipe.penalties import Penalty


class Drift(Penalty):
    """weight r^2, of a critic ensemble the mean over its K scores. weight: the paper's epsilon, 0.001."""

    kind: Literal["drift"]

    def __call__(self, critic: CriticFunction, batch: CriticBatch, rng: Generator) -> Tensor:
        return self.weight * mean_over_scores(batch.real_output.score.square())
