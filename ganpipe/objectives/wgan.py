"""Arjovsky et al. 2017 (arXiv 1701.07875), equations 2 and 3: the dual of the Wasserstein-1 distance."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from ganpipe.game import Round
from ganpipe.objectives import Objective


class WGAN(Objective):
    """Critic: f - r. Generator: -f. Means something only beside a Lipschitz constraint or penalty."""

    kind: Literal["wgan"]

    @property
    def needs_lipschitz(self) -> bool:
        return True

    def critic(self, batch: Round) -> Tensor:
        return batch.on_fake.score - batch.on_real.score

    def generator(self, batch: Round) -> Tensor:
        return -batch.on_fake.score
