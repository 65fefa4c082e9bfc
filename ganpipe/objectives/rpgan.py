"""Relativistic pairing GAN: Jolicoeur-Martineau 2018 (arXiv 1807.00734); the objective of R3GAN (arXiv 2501.05441)."""

from __future__ import annotations

from typing import Literal

from torch import Tensor
from torch.nn.functional import softplus

from ganpipe.game import Round
from ganpipe.objectives import Objective


class RpGAN(Objective):
    """Each real is compared with the fake of the same index; both losses need both scores."""

    kind: Literal["rpgan"]

    def critic(self, batch: Round) -> Tensor:
        """sp(-(r - f)): equation 4; log 2 where p = q."""
        return softplus(batch.on_fake.score - batch.on_real.score)

    def generator(self, batch: Round) -> Tensor:
        """sp(r - f): equation 4 with real and fake exchanged."""
        return softplus(batch.on_real.score - batch.on_fake.score)
