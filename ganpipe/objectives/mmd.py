"""MMD GAN: Li et al. 2017 (arXiv 1705.08584); Binkowski et al. 2018 (arXiv 1801.01401)."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field
from torch import Tensor

from ganpipe.critic import CriticBatch
from ganpipe.kernels import mean_to_others, rational_quadratic
from ganpipe.objectives import Objective
from ganpipe.parts import Length


class MMDGAN(Objective):
    """The critic moves the scores r and f of a batch apart, in the kernel k, and the generator brings them together.

    k(a, b): the mean over the `shapes` s of (1 + (a - b)^2 / (2 s))^-s. The papers' critics have several outputs, this
    one has its score.
    """

    kind: Literal["mmd"]
    shapes: Annotated[tuple[Length, ...], Field(strict=False, min_length=1, max_length=20)]
    compares_samples: ClassVar[bool] = True
    is_directed: ClassVar[bool] = False

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

    def kernel(self, a: Tensor, b: Tensor) -> Tensor:
        return rational_quadratic(a, b, 1.0, self.shapes)
