"""Jolicoeur-Martineau 2018 (arXiv 1807.00734), equation 4: the relativistic loss on pairs; R3GAN's objective."""

from __future__ import annotations

from typing import Literal

from torch import Tensor
from torch.nn.functional import softplus

from ganpipe.game import Round
from ganpipe.objectives import Objective


class RpGAN(Objective):
    """Critic: sp(-(r - f)). Generator: sp(r - f). Each loss needs both scores, paired by index; p = q gives log 2."""

    kind: Literal["rpgan"]

    def critic(self, batch: Round) -> Tensor:
        return softplus(batch.on_fake.score - batch.on_real.score)

    def generator(self, batch: Round) -> Tensor:
        return softplus(batch.on_real.score - batch.on_fake.score)
