"""Fisher GAN's constraint: Mroueh and Sercu 2017 (arXiv 1705.09675), algorithm 1."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from ganpipe.critic import CriticBatch
from ganpipe.penalties._multiplier import HeldAtOne


class Fisher(HeldAtOne):
    """The second moment of the scores, E r^2 / 2 + E f^2 / 2, is held at 1.

    With WGAN's objective, E r - E f of the best critic is the chi-squared distance of the densities p and q,
    sqrt(integral of (p - q)^2 / ((p + q) / 2)), and the multiplier half of it.
    """

    kind: Literal["fisher"]

    def quantity(self, batch: CriticBatch) -> Tensor:
        return 0.5 * (batch.real_output.score.square().mean() + batch.fake_output.score.square().mean())
