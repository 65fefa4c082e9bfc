"""Hinge loss: Lim and Ye 2017 (arXiv 1705.02894); Miyato et al. 2018, SNGAN (arXiv 1802.05957)."""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import Tensor
from torch.nn.functional import relu

from ganpipe.critic import CriticBatch
from ganpipe.objectives import Objective


class Hinge(Objective):
    """The hinge of a support vector machine for the critic; its least loss is 2 (1 - TV(p, q))."""

    kind: Literal["hinge"]
    decides_at_zero: ClassVar[bool] = True

    def critic(self, batch: CriticBatch) -> Tensor:
        """relu(1 - r) + relu(1 + f): Miyato et al., equation 16; the optimum is sign(p - q)."""
        return relu(1 - batch.real_output.score) + relu(1 + batch.fake_output.score)

    def generator(self, batch: CriticBatch) -> Tensor:
        """-f: equation 17."""
        return -batch.fake_output.score
