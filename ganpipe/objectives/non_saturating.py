"""The original GAN with the generator loss that does not saturate: Goodfellow et al. 2014 (arXiv 1406.2661)."""

from __future__ import annotations

from typing import Literal

from torch import Tensor
from torch.nn.functional import softplus

from ganpipe.game import Round
from ganpipe.objectives import Objective


class NonSaturating(Objective):
    """Cross-entropy with the true labels for the critic, with the opposite label for the generator."""

    kind: Literal["non_saturating"]

    def critic(self, batch: Round) -> Tensor:
        """sp(-r) + sp(f): equation 1; the optimum is r = log(p / q)."""
        return softplus(-batch.on_real.score) + softplus(batch.on_fake.score)

    def generator(self, batch: Round) -> Tensor:
        """sp(-f): section 3."""
        return softplus(-batch.on_fake.score)
