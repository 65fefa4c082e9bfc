"""The original GAN: Goodfellow et al. 2014 (arXiv 1406.2661), equation 1, a zero-sum game."""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import Tensor
from torch.nn.functional import softplus

from ganpipe.critic import CriticBatch
from ganpipe.objectives import Objective


class Minimax(Objective):
    """-V(D, G) for the critic, the part of V(D, G) that depends on G for the generator."""

    kind: Literal["minimax"]
    decides_at_zero: ClassVar[bool] = True

    def critic(self, batch: CriticBatch) -> Tensor:
        """sp(-r) + sp(f): equation 1; the optimum is r = log(p / q)."""
        return softplus(-batch.real_output.score) + softplus(batch.fake_output.score)

    def generator(self, batch: CriticBatch) -> Tensor:
        """-sp(f): equation 1; its gradient vanishes where the critic is sure of the fakes."""
        return -softplus(batch.fake_output.score)
