"""Density and coverage (Naeem et al. 2020, arXiv 2002.09797, section 3).

Both look at balls around the real samples only, each reaching to the k-th nearest real neighbour. Density is
the number of such balls that a generated sample lies in, over k: an outlier among the real samples, whose
ball is large, counts less than in precision. Coverage is the share of real samples with a generated one in
their ball. For two samples of one distribution density is about 1, and coverage is 1 - 2^-k on average for
equal numbers of samples. A collapsed generator has high density, or none at all, and low coverage.
"""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import ArrayLike

from ganpipe.metrics._cloud import Cloud
from ganpipe.metrics._hits import Hits, hits
from ganpipe.metrics._products import Products
from ganpipe.metrics.precision_recall import Manifold

NEIGHBOURS = 5
"""What the paper uses."""


@dataclass(frozen=True)
class DensityCoverage:
    """density: from 0 on, and above 1 where generated samples gather among real ones. coverage: 0 to 1."""

    density: float
    coverage: float

    @classmethod
    def of(cls, on_real: Hits, neighbours: int) -> DensityCoverage:
        """From the pairs of generated with real samples that are within the real balls, which were made with the same
        `neighbours`."""
        return cls(on_real.count / (neighbours * len(on_real.left)), float(on_real.right.mean()))


def measure(*, generated: Cloud, real: Manifold, neighbours: int, between: Products | None = None) -> DensityCoverage:
    """Density and coverage of a cloud by the real manifold, which was made with the same `neighbours`.

    between: the pairs of the generated with the real samples, where they are known already. Raises
    ValueError where d differs.
    """
    pairs = Products.of(generated, real.cloud) if between is None else between
    return DensityCoverage.of(hits(pairs, real.radii[None]), neighbours)


def density_coverage(*, generated: ArrayLike, real: ArrayLike, neighbours: int = NEIGHBOURS) -> DensityCoverage:
    """Density and coverage of features (N, d) by real ones (M, d).

    Raises ValueError for wrong shapes, no generated sample, not more than k = `neighbours` real ones, k < 1
    or values that are not finite.
    """
    manifold = Manifold.of(real, neighbours=neighbours, name="real")
    return measure(generated=Cloud.of(generated, name="generated"), real=manifold, neighbours=neighbours)
