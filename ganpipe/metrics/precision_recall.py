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

from ganpipe.metrics._cloud import Cloud
from ganpipe.metrics._hits import Hits, Inside, hits
from ganpipe.metrics._nearest import Nearest, nearest
from ganpipe.metrics._products import Products
from ganpipe.metrics.pairs import Pairs


@dataclass(frozen=True)
class Manifold:
    """The balls around the features (N, d) of a cloud. radii (N,): squared."""

    cloud: Cloud
    radii: NDArray[np.float64]

    @classmethod
    def of(cls, features: ArrayLike, *, neighbours: int, name: str = "features") -> Manifold:
        """The manifold of features (N, d), each ball reaching to the k-th neighbour, k = `neighbours`.

        A sample is no neighbour of itself; another one at the same place is. `name` is what an error calls
        them. Raises ValueError for a wrong shape, values that are not finite, k < 1 or not more than k
        samples.
        """
        _positive(neighbours)
        cloud = Cloud.of(features, name=name, at_least=neighbours + 1)
        return cls(cloud, nearest(Products.of(cloud, cloud), neighbours))

    @classmethod
    def among(cls, within: Products, *, neighbours: int, name: str = "features") -> Manifold:
        """The same from the pairs of a cloud with itself. Raises ValueError for k < 1 or too few samples."""
        return cls(within.left, within.visit(reach(within, neighbours=neighbours, name=name))[0])

    def holds(self, features: ArrayLike, name: str = "features") -> NDArray[np.bool_]:
        """Which of the features (M, d) lie in a ball: equation 1, rim included. Raises ValueError."""
        pairs = Products.of(Cloud.of(features, name=name), self.cloud)
        return hits(pairs, self.radii[None]).left


@dataclass(frozen=True)
class PrecisionRecall:
    """Shares between 0 and 1: of generated samples that look real, and of real samples that are covered."""

    precision: float
    recall: float

    @classmethod
    def of(cls, on_real: Hits, on_generated: Hits) -> PrecisionRecall:
        """From the pairs of generated with real samples that are within the real and the generated balls."""
        return cls(precision=float(on_real.left.mean()), recall=float(on_generated.right.mean()))


def reach(within: Products, *, neighbours: int, name: str = "features") -> Nearest:
    """The visitor of the pairs of a cloud with itself that makes the balls' radii (N,), squared. Raises ValueError for
    k < 1 or too few samples."""
    _positive(neighbours)
    if len(within.left) <= neighbours:
        raise ValueError(f"{name} has {len(within.left)} samples: at least {neighbours + 1} are needed.")
    return Nearest(neighbours)


def compare(*, generated: Manifold, real: Manifold, between: Products | None = None) -> PrecisionRecall:
    """Precision and recall of two manifolds of the same d; their sizes may differ. Raises ValueError.

    between: the pairs of the generated with the real samples, where they are known already.
    """
    pairs = Products.of(generated.cloud, real.cloud) if between is None else between
    return PrecisionRecall.of(*pairs.visit(Inside(real.radii[None]), Inside(generated.radii[:, None])))


def precision_recall(*, generated: ArrayLike, real: ArrayLike, neighbours: int) -> PrecisionRecall:
    """Precision and recall of features (N, d) and (M, d), with the errors of `Manifold.of`."""
    return compare(
        generated=Manifold.of(generated, neighbours=neighbours, name="generated"),
        real=Manifold.of(real, neighbours=neighbours, name="real"),
    )


def precision_recall_of(pairs: Pairs, *, neighbours: int) -> PrecisionRecall:
    """The same of pairs that are known already, with the errors of `Manifold.among`."""
    return compare(
        generated=Manifold.among(pairs.generated, neighbours=neighbours, name="generated"),
        real=Manifold.among(pairs.real, neighbours=neighbours, name="real"),
        between=pairs.between,
    )


def _positive(neighbours: int) -> None:
    if neighbours < 1:
        raise ValueError(f"neighbours is {neighbours}: it should be at least 1.")
