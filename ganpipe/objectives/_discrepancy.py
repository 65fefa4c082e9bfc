"""The mean discrepancy between the scores of a batch of real and a batch of generated samples."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from torch import Tensor

from ganpipe.critic import CriticBatch
from ganpipe.kernels import mean_to_others
from ganpipe.objectives import Objective


class Discrepancy(Objective):
    """The critic moves the scores r and f of a batch apart, in the kernel k, and the generator brings them together.

    The papers' critics have several outputs, this one has its score.
    """

    compares_samples: ClassVar[bool] = True

    @property
    def is_directed(self) -> bool:
        return False

    def critic(self, batch: CriticBatch) -> Tensor:
        """Minus the generator's."""
        return -self.generator(batch)

    def generator(self, batch: CriticBatch) -> Tensor:
        """mean k(f_i, f_j) + mean k(r_i, r_j) - 2 mean k(f_i, r_j), i and j different in the first two.

        The squared discrepancy, without bias; here what each i has of it.
        """
        r, f = batch.real_output.score[:, None], batch.fake_output.score[:, None]
        own = mean_to_others(self.kernel(f, f)) + mean_to_others(self.kernel(r, r))
        return own - 2 * self.kernel(f, r).mean(1)

    @abstractmethod
    def kernel(self, a: Tensor, b: Tensor) -> Tensor:
        """k of scores (N, 1) and (M, 1): (N, M)."""
