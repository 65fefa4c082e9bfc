"""Sobolev GAN's constraint: Mroueh et al. 2018 (arXiv 1711.04894), algorithm 1."""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import Tensor

from ganpipe.critic import CriticBatch, Samples
from ganpipe.penalties._multiplier import HeldAtOne


class Sobolev(HeldAtOne):
    """The mean of |dD/dx|^2 over real and generated samples is held at 1.

    With WGAN's objective, E r - E f of the best critic compares the cumulative distribution functions P and Q: in one
    dimension it is sqrt(integral of (P - Q)^2 / ((p + q) / 2)), and the multiplier half of it.
    """

    kind: Literal["sobolev"]
    uses_input_gradient: ClassVar[bool] = True
    gradients_at: ClassVar[frozenset[Samples]] = frozenset({"real", "fake"})

    def quantity(self, batch: CriticBatch) -> Tensor:
        real, fake = batch.input_gradient("real"), batch.input_gradient("fake")
        return 0.5 * (real.square().sum(1).mean() + fake.square().sum(1).mean())
