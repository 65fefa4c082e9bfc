"""Lim and Ye 2017 (arXiv 1705.02894); Miyato et al. 2018 (arXiv 1802.05957), equations 16 and 17."""

from __future__ import annotations

from typing import Literal

from torch import Tensor
from torch.nn.functional import relu

from ganpipe.game import Round
from ganpipe.objectives import Objective


class Hinge(Objective):
    """Critic: relu(1 - r) + relu(1 + f), whose optimum is sign(p - q) and value 2(1 - TV). Generator: -f."""

    kind: Literal["hinge"]

    def critic(self, batch: Round) -> Tensor:
        return relu(1 - batch.on_real.score) + relu(1 + batch.on_fake.score)

    def generator(self, batch: Round) -> Tensor:
        return -batch.on_fake.score
