"""Wasserstein GAN: Arjovsky et al. 2017 (arXiv 1701.07875)."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from ganpipe.critic import CriticBatch
from ganpipe.objectives import Objective


class WGAN(Objective):
    """The dual of the Wasserstein-1 distance, for a critic that a penalty or constraint keeps 1-Lipschitz."""

    kind: Literal["wgan"]

    @property
    def needs_lipschitz(self) -> bool:
        return True

    def critic(self, batch: CriticBatch) -> Tensor:
        """f - r: equations 2 and 3."""
        return batch.fake_output.score - batch.real_output.score

    def generator(self, batch: CriticBatch) -> Tensor:
        """-f: theorem 3."""
        return -batch.fake_output.score
