"""The original GAN: Goodfellow et al. 2014 (arXiv 1406.2661), equation 1, a zero-sum game."""

from __future__ import annotations

from typing import Literal

from torch import Tensor
from torch.nn.functional import softplus

from ganpipe.game import Round
from ganpipe.objectives import Objective


class Minimax(Objective):
    """-V(D, G) for the critic, the part of V(D, G) that depends on G for the generator."""

    kind: Literal["minimax"]

    def critic(self, batch: Round) -> Tensor:
        """sp(-r) + sp(f): equation 1; the optimum is r = log(p / q)."""
        return softplus(-batch.on_real.score) + softplus(batch.on_fake.score)

    def generator(self, batch: Round) -> Tensor:
        """-sp(f): equation 1; its gradient vanishes where the critic is sure of the fakes."""
        return -softplus(batch.on_fake.score)
