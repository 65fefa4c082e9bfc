"""Maximum mean discrepancy: Gretton et al. 2012 (JMLR 13, lemma 6); as the loss of a generator, Li et al. 2015
(arXiv 1502.02761), with the kernel of Binkowski et al. 2018 (arXiv 1801.01401).
"""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from ganpipe.distances import Distance, squared_distances
from ganpipe.parts import Length


class MMD(Distance):
    """MMD^2 = E k(x, x') + E k(y, y') - 2 E k(x, y), without bias, so that it may be negative.

    k(x, y) is the mean over the shapes a of the rational quadratic kernels (1 + |x - y|^2 / (2 a length^2))^-a, whose
    tails reach far samples. length: in the networks' space.
    """

    kind: Literal["mmd"]
    length: Length
    shapes: Annotated[tuple[Length, ...], Field(strict=False, min_length=1, max_length=20)]

    def __call__(self, fake: Tensor, real: Tensor) -> Tensor:
        """Each distribution has two samples or more."""
        own = sum(_mean_of_pairs(self.kernel(x, x)) for x in (fake, real))
        return own - 2 * self.kernel(fake, real).mean()

    def kernel(self, x: Tensor, y: Tensor) -> Tensor:
        """k(x_i, y_j) of samples (N, d) and (M, d): (N, M)."""
        squares = squared_distances(x, y) / (2 * self.length**2)
        return torch.stack([(1 + squares / a) ** -a for a in self.shapes]).mean(0)


def _mean_of_pairs(k: Tensor) -> Tensor:
    """The mean of (N, N) without its diagonal."""
    n = len(k)
    return (k.sum() - k.diagonal().sum()) / (n * (n - 1))
