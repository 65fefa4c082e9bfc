"""MMD GAN: Li et al. 2017 (arXiv 1705.08584); Binkowski et al. 2018 (arXiv 1801.01401)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor

from ganpipe.kernels import rational_quadratic
from ganpipe.objectives._discrepancy import Discrepancy
from ganpipe.parts import Length


class MMDGAN(Discrepancy):
    """k(a, b): the mean over the `shapes` s of (1 + (a - b)^2 / (2 s))^-s."""

    kind: Literal["mmd"]
    shapes: Annotated[tuple[Length, ...], Field(strict=False, min_length=1, max_length=20)]

    def kernel(self, a: Tensor, b: Tensor) -> Tensor:
        return rational_quadratic(a, b, 1.0, self.shapes)
