"""Mixtures of isotropic Gaussians in the plane with known modes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ganpipe.prepared import Prepared


def mixture(centres: NDArray[np.float64], std: float, train: int, test: int, seed: int) -> Prepared:
    """Equally likely modes; `train` and `test` independent samples. The scale makes the data about unit variance."""
    rng = np.random.default_rng(seed)

    def draw(n: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        labels = rng.integers(len(centres), size=n)
        return (centres[labels] + std * rng.standard_normal((n, 2))).astype(np.float32), labels

    (x, y), (x_test, y_test) = draw(train), draw(test)
    scale = float(np.sqrt((centres**2).mean() + std**2))
    return Prepared(x, y, x_test, y_test, len(centres), scale=scale, modes=centres, mode_std=std)
