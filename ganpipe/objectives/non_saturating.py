"""Goodfellow et al. 2014 (arXiv 1406.2661), section 3: the generator's loss that does not saturate."""

from __future__ import annotations

from typing import Literal

from torch import Tensor
from torch.nn.functional import softplus

from ganpipe.game import Round
from ganpipe.objectives import Objective


class NonSaturating(Objective):
    """Critic: sp(-r) + sp(f), whose optimum is the logit log(p/q). Generator: sp(-f)."""

    kind: Literal["non_saturating"]

    def critic(self, batch: Round) -> Tensor:
        return softplus(-batch.on_real.score) + softplus(batch.on_fake.score)

    def generator(self, batch: Round) -> Tensor:
        return softplus(-batch.on_fake.score)
