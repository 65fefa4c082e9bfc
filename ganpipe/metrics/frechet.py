"""Fréchet distance of two sets of features (Heusel et al. 2017, arXiv 1706.08500, equation 6).

Between Gaussians it is the squared 2-Wasserstein distance (Dowson and Landau 1982):

    |m1 - m2|^2 + Tr(C1 + C2 - 2 (C1 C2)^(1/2))

It is biased upward for few samples: a figure says little without its numbers of samples.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ganpipe.metrics._samples import rows, same_width

TOLERANCE = 1e-8
"""How far below zero an eigenvalue of a covariance may be, over the largest: rounding, not a mistake."""


@dataclass(frozen=True)
class Moments:
    """Mean (d,) and covariance of features, the covariance as `root` (d, d) with root^T root = covariance.

    The root is taken from the data itself and the covariance never formed: squaring and rooting again would
    turn rounding errors of 1e-16 into 1e-8 wherever the covariance is singular, as with fewer samples than
    features.
    """

    mean: NDArray[np.float64]
    root: NDArray[np.float64]

    @classmethod
    def of(cls, features: ArrayLike, name: str = "features") -> Moments:
        """Moments of features (N, d), the covariance with N - 1. `name` is what an error calls them.

        Raises ValueError for a wrong shape, fewer than 2 samples or values that are not finite.
        """
        array = rows(name, features, at_least=2)
        mean = array.mean(axis=0)
        triangle = np.linalg.qr((array - mean) / np.sqrt(len(array) - 1), mode="r")
        root = np.zeros((array.shape[1], array.shape[1]))
        root[: len(triangle)] = triangle
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
    nearly equal distributions. Raises ValueError where d differs.
    """
    same_width(generated.root, real.root)
    left, _, right = np.linalg.svd(generated.root @ real.root.T)
    spread = generated.root - (left @ right) @ real.root
    shift = generated.mean - real.mean
    return float(shift @ shift + np.vdot(spread, spread))


def frechet_distance(*, generated: ArrayLike, real: ArrayLike) -> float:
    """Fréchet distance of features (N, d) and (M, d), with the errors of `Moments.of` and `frechet`."""
    return frechet(Moments.of(generated, "generated"), Moments.of(real, "real"))
