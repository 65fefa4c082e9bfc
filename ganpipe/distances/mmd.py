"""Maximum mean discrepancy: Gretton et al. 2012 (JMLR 13, lemma 6); as the loss of a generator, Li et al. 2015
(arXiv 1502.02761), with the kernel of Binkowski et al. 2018 (arXiv 1801.01401).
"""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor

from ganpipe.distances import Distance
from ganpipe.kernels import mean_to_others, rational_quadratic
from ganpipe.parts import Length


class MMD(Distance):
    """MMD^2 = E k(x, x') + E k(y, y') - 2 E k(x, y), without bias, so that it may be negative.

    k(x, y): the mean over the shapes a of (1 + |x - y|^2 / (2 a length^2))^-a. length: in the networks' space.
    """

    kind: Literal["mmd"]
    length: Length
    shapes: Annotated[tuple[Length, ...], Field(strict=False, min_length=1, max_length=20)]

    def __call__(self, fake: Tensor, real: Tensor) -> Tensor:
        """Each batch has two samples or more."""
        kernel = partial(rational_quadratic, length=self.length, shapes=self.shapes)
        own = mean_to_others(kernel(fake, fake)).mean() + mean_to_others(kernel(real, real)).mean()
        return own - 2 * kernel(fake, real).mean()
