"""Improved precision and recall (Kynkäänniemi et al. 2019, arXiv 1904.06991, equations 1 and 2).

Each set of features spans a manifold: the union of balls around its samples, each reaching to the sample's
k-th nearest neighbour in its own set. Precision is the share of generated samples on the real manifold,
recall the share of real samples on the generated manifold. A collapsed generator has high precision and low
recall.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ganpipe.metrics._samples import rows, same_width

BLOCK = 2**22
"""Distances held at once (32 MiB): memory then grows with the number of samples, not with its square."""

ROUNDING = 1e-13
"""A squared distance is known to about this over the squared lengths, as it comes from |a|^2 + |b|^2 - 2ab.
What lies on a ball's rim within that counts as inside, so that copies of a sample are always found."""


@dataclass(frozen=True)
class Manifold:
    """The balls around features (N, d). radii (N,): squared."""

    features: NDArray[np.float64]
    radii: NDArray[np.float64]

    @classmethod
    def of(cls, features: ArrayLike, *, neighbours: int, name: str = "features") -> Manifold:
        """The manifold of features (N, d), each ball reaching to the k-th neighbour, k = `neighbours`.

        A sample is no neighbour of itself; another one at the same place is. `name` is what an error calls
        them. Raises ValueError for a wrong shape, values that are not finite, k < 1 or not more than k
        samples.
        """
        if neighbours < 1:
            raise ValueError(f"neighbours is {neighbours}: it should be at least 1.")
        array = rows(name, features, at_least=neighbours + 1)
        offsets = array - array.mean(axis=0)  # far from the origin, |a|^2 + |b|^2 - 2ab would lose its digits
        lengths = np.einsum("nd,nd->n", offsets, offsets)
        radii = np.empty(len(offsets))
        for part in _blocks(len(offsets), len(offsets)):
            distances = -2.0 * offsets[part] @ offsets.T
            distances += lengths[part, None]
            distances += lengths
            distances[np.arange(len(distances)), np.arange(len(offsets))[part]] = np.inf
            distances.partition(neighbours - 1, axis=1)
            radii[part] = distances[:, neighbours - 1]
        return cls(array, np.maximum(radii, 0.0))

    def holds(self, features: ArrayLike, name: str = "features") -> NDArray[np.bool_]:
        """Which of the features (M, d) lie in a ball: equation 1, rim included. Raises ValueError."""
        array = rows(name, features)
        same_width(array, self.features)
        centre = self.features.mean(axis=0)
        others, offsets = array - centre, self.features - centre
        sure = 1.0 - ROUNDING
        lengths = sure * np.einsum("nd,nd->n", others, others)
        rims = sure * np.einsum("nd,nd->n", offsets, offsets) - self.radii
        inside = np.empty(len(others), dtype=np.bool_)
        for part in _blocks(len(others), len(rims)):
            gaps = -2.0 * others[part] @ offsets.T
            gaps += rims
            inside[part] = gaps.min(axis=1) + lengths[part] <= 0.0
        return inside


@dataclass(frozen=True)
class PrecisionRecall:
    """Shares between 0 and 1: of generated samples that look real, and of real samples that are covered."""

    precision: float
    recall: float


def compare(*, generated: Manifold, real: Manifold) -> PrecisionRecall:
    """Precision and recall of two manifolds of the same d; their sizes may differ. Raises ValueError."""
    return PrecisionRecall(
        precision=float(real.holds(generated.features, "generated").mean()),
        recall=float(generated.holds(real.features, "real").mean()),
    )


def precision_recall(*, generated: ArrayLike, real: ArrayLike, neighbours: int) -> PrecisionRecall:
    """Precision and recall of features (N, d) and (M, d), with the errors of `Manifold.of`."""
    return compare(
        generated=Manifold.of(generated, neighbours=neighbours, name="generated"),
        real=Manifold.of(real, neighbours=neighbours, name="real"),
    )


def _blocks(count: int, width: int) -> list[slice]:
    """Slices over `count` rows of `width` numbers: each holds at most BLOCK numbers, or one row."""
    step = max(1, BLOCK // width)
    return [slice(start, min(start + step, count)) for start in range(0, count, step)]
