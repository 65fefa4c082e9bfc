"""Goodfellow et al. 2014 (arXiv 1406.2661), equation 1: the zero-sum game."""

from __future__ import annotations

from typing import Literal

from torch import Tensor
from torch.nn.functional import softplus

from ganpipe.game import Round
from ganpipe.objectives import Objective


class Minimax(Objective):
    """Critic: sp(-r) + sp(f). Generator: -sp(f), whose gradient vanishes where the critic is sure of the fakes."""

    kind: Literal["minimax"]

    def critic(self, batch: Round) -> Tensor:
        return softplus(-batch.on_real.score) + softplus(batch.on_fake.score)

    def generator(self, batch: Round) -> Tensor:
        return -softplus(batch.on_fake.score)
