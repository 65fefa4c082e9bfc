"""The original GAN with the generator loss that does not saturate: Goodfellow et al. 2014 (arXiv 1406.2661)."""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import Tensor
from torch.nn.functional import softplus

from ganpipe.critic import CriticBatch
from ganpipe.objectives import Objective


class NonSaturating(Objective):
    """Cross-entropy with the true labels for the critic, with the opposite label for the generator."""

    kind: Literal["non_saturating"]
    decides_at_zero: ClassVar[bool] = True

    def critic(self, batch: CriticBatch) -> Tensor:
        """sp(-r) + sp(f): equation 1; the optimum is r = log(p / q)."""
        return softplus(-batch.real_output.score) + softplus(batch.fake_output.score)

    def generator(self, batch: CriticBatch) -> Tensor:
        """sp(-f): section 3."""
        return softplus(-batch.fake_output.score)
