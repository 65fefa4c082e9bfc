"""A straight line, as the learning rate of WGAN-GP's residual networks decays (arXiv 1704.00028)."""

from __future__ import annotations

from typing import Literal

from ganpipe.schedules import Schedule


class Linear(Schedule):
    """(1 - p) start + p end. With end 0 and until 1, step t of T has the number (1 - (t - 1) / T) start."""

    kind: Literal["linear"]

    def share(self, progress: float) -> float:
        return progress
