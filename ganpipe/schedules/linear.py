"""A straight line over all steps, as the learning rate of WGAN-GP's residual networks decays (arXiv 1704.00028)."""

from __future__ import annotations

from typing import Literal

from ganpipe.parts import NonNegative
from ganpipe.schedules import Schedule


class Linear(Schedule):
    """1 - p + p * final. final: the factor at the end; with 0, step t of T has the factor 1 - (t - 1) / T."""

    kind: Literal["linear"]
    final: NonNegative

    def factor(self, progress: float) -> float:
        return 1 - progress + progress * self.final
