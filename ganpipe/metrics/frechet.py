"""Fréchet distance of two sets of features (Heusel et al. 2017, arXiv 1706.08500, equation 6).

Between Gaussians it is the squared 2-Wasserstein distance (Dowson and Landau 1982):

    |m1 - m2|^2 + Tr(C1 + C2 - 2 (C1 C2)^(1/2))

It is biased upward for few samples: a figure says little without its numbers of samples.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ganpipe.metrics._samples import plain, rows, same_width
from ganpipe.metrics._threads import (
    cholesky,
    gram,
    is_triangle,
    product,
    spread,
    squared_singular_values,
    triangle,
    triangle_product,
)

Array = NDArray[np.float64]

TOLERANCE = 1e-8
"""How far below zero an eigenvalue of a covariance may be, over the largest: rounding, not a mistake."""


LARGE = 512
"""From so many features on, the cheap ways are tried first; below, the accurate ones cost little."""

ROUNDING = 1e-14
"""What a sum of d squares may be off by, relatively."""

CONDITION = 1e-10
"""Over the largest squared pivot, the least with which a covariance may be formed and factorised."""

RELATIVE = 1e-8
"""How far off a cheap way may be: the bound on its error, over the distance."""


@dataclass(frozen=True)
class Moments:
    """Mean (d,) and covariance of features, the covariance as `root` (d, d) with root^T root = covariance.

    The root is taken from the data itself: forming the covariance and rooting it again would turn rounding
    errors of 1e-16 into 1e-8 wherever it is singular, as with fewer samples than features. Only a large
    covariance that turns out to be far from singular is formed, which is several times as fast.
    """

    mean: Array
    root: Array

    @classmethod
    def of(cls, features: ArrayLike, name: str = "features") -> Moments:
        """Moments of features (N, d), the covariance with N - 1. `name` is what an error calls them.

        Raises ValueError for a wrong shape, fewer than 2 samples or values that are not finite.
        """
        array = plain(name, features, at_least=2)
        mean, _, _ = spread(name, array)
        root = _cholesky(array, mean) if len(mean) >= LARGE else None
        if root is None:
            upper = triangle(array - mean)
            root = np.zeros((array.shape[1], array.shape[1]))
            root[: len(upper)] = upper
        root /= np.sqrt(len(array) - 1)
        return cls(mean, root)

    @classmethod
    def exact(cls, mean: ArrayLike, covariance: ArrayLike) -> Moments:
        """Known moments (d,) and (d, d). Raises ValueError where the covariance is none."""
        centre, matrix = np.asarray(mean, dtype=np.float64), rows("covariance", covariance)
        if matrix.shape != (centre.size, centre.size) or not np.allclose(matrix, matrix.T):
            raise ValueError(f"covariance should be symmetric with the shape {(centre.size, centre.size)}.")
        values, vectors = np.linalg.eigh(matrix)
        if values[0] < -TOLERANCE * max(values[-1], 0.0):
            raise ValueError(f"covariance has the negative eigenvalue {values[0]:.3g}: it is no covariance.")
        return cls(centre, np.sqrt(np.clip(values, 0.0, None))[:, None] * vectors.T)


def frechet(generated: Moments, real: Moments) -> float:
    """Fréchet distance between moments of the same d: in squared units of the features, never negative.

    The eigenvalues of C1 C2 are the squares of the singular values s of R1 R2^T, so Tr (C1 C2)^(1/2) is their
    sum. Let U s V^T be that product: Q = U V^T is the rotation that brings R2 nearest to R1, and

        |R1 - Q R2|_F^2 = Tr C1 + Tr C2 - 2 sum(s)

    is the wanted term as a sum of squares, without the cancellation that the right-hand side has between
    nearly equal distributions. Where d is large the right-hand side is taken, if a bound on its error says that
    it will do. Raises ValueError where d differs.
    """
    same_width(generated.root, real.root)
    shift = generated.mean - real.mean
    moved = float(shift @ shift)
    large = len(shift) >= LARGE
    both = (triangle_product if large and is_triangle(real.root) else product)(generated.root, real.root)
    if large:
        traces = float(np.linalg.norm(generated.root) ** 2 + np.linalg.norm(real.root) ** 2)
        for way in (_by_eigenvalues, _by_singular_values):
            trace, error = way(both)
            distance = moved + traces - 2.0 * trace
            if 2.0 * error + ROUNDING * traces <= RELATIVE * distance:
                return distance
    left, _, right = np.linalg.svd(both)
    rest = generated.root - (left @ right) @ real.root
    return moved + float(np.vdot(rest, rest))


def frechet_distance(*, generated: ArrayLike, real: ArrayLike) -> float:
    """Fréchet distance of features (N, d) and (M, d), with the errors of `Moments.of` and `frechet`."""
    return frechet(Moments.of(generated, "generated"), Moments.of(real, "real"))


def _cholesky(array: NDArray[np.floating], mean: Array) -> Array | None:
    """The triangle R with R^T R = offsets^T offsets, of an array (N, d) about a mean.

    None where that is too near to singular to be formed.
    """
    if len(array) <= array.shape[1]:
        return None
    upper = cholesky(gram(array, mean))
    if upper is None:
        return None
    pivots = np.diagonal(upper) ** 2
    return upper if pivots.min() > CONDITION * pivots.max() else None


def _by_eigenvalues(both: Array) -> tuple[float, float]:
    """The sum of the square roots of the eigenvalues of both both^T, and a bound on its error.

    Each eigenvalue is known to `sure`, rounding over the largest: its root to sure / (2 root), at most
    sqrt(sure).
    """
    values = np.clip(squared_singular_values(both), 0.0, None)
    roots = np.sqrt(values)
    sure = np.sqrt(len(values)) * np.finfo(np.float64).eps * values[-1]
    return float(roots.sum()), float(np.sum(sure / (roots + np.sqrt(sure))))


def _by_singular_values(both: Array) -> tuple[float, float]:
    """The sum of the singular values, each of which is known to rounding over the largest."""
    values = np.linalg.svd(both, compute_uv=False)
    return float(values.sum()), float(len(values) ** 1.5 * np.finfo(np.float64).eps * values[0])
