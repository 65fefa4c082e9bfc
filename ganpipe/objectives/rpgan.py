"""Relativistic pairing GAN: Jolicoeur-Martineau 2018 (arXiv 1807.00734); the objective of R3GAN (arXiv 2501.05441)."""

from __future__ import annotations

from typing import Literal

from torch import Tensor
from torch.nn.functional import softplus

from ganpipe.critic import CriticBatch
from ganpipe.objectives import Objective


class RpGAN(Objective):
    """Each real is compared with the fake of the same index; both losses need both scores."""

    kind: Literal["rpgan"]

    def critic(self, batch: CriticBatch) -> Tensor:
        """sp(-(r - f)): equation 4; log 2 where p = q."""
        return softplus(batch.fake_output.score - batch.real_output.score)

    def generator(self, batch: CriticBatch) -> Tensor:
        """sp(r - f): equation 4 with real and fake exchanged."""
        return softplus(batch.real_output.score - batch.fake_output.score)
