"""Sliced Wasserstein-1 distance: the mean over random directions of the distance on a line (Bonneel et al.
2015, Journal of Mathematical Imaging and Vision 51, with p = 1; for images Deshpande et al. 2018, arXiv
1803.11188).

On a line the optimal plan keeps the order, so no linear programme is needed and thousands of images can be
compared. In d dimensions the figure is about sqrt(2 / (pi d)) of the whole distance for a mere shift, so
figures of different d do not compare.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ganpipe.metrics._products import BLOCK
from ganpipe.metrics._samples import rows, same_width

Array = NDArray[np.float64]


@dataclass(frozen=True)
class SlicedWasserstein:
    """distance: in the units of the samples, the mean of `each` (P,), one per direction.

    error: the standard error of that mean over directions, 0 for one direction.
    """

    distance: float
    error: float
    each: Array


def directions(d: int, count: int, rng: np.random.Generator) -> Array:
    """Unit vectors (d, count), uniform on the sphere. Raises ValueError for a count below 1."""
    if count < 1:
        raise ValueError(f"The number of directions is {count}: it should be at least 1.")
    drawn = rng.normal(size=(d, count))
    return np.asarray(drawn / np.linalg.norm(drawn, axis=0))


def sliced_wasserstein(
    *, generated: ArrayLike, real: ArrayLike, count: int, rng: np.random.Generator
) -> SlicedWasserstein:
    """The distance of samples (N, ...) to (M, ...), images or features, along `count` random directions.

    Raises ValueError for wrong shapes, no sample, values that are not finite or a count below 1.
    """
    one, other = _flat("generated", generated), _flat("real", real)
    return sliced_along(directions(one.shape[1], count, rng), generated=one, real=other)


def sliced_along(along: Array, *, generated: ArrayLike, real: ArrayLike) -> SlicedWasserstein:
    """The same along given directions (d, P), with the errors of `sliced_wasserstein`."""
    one, other = _flat("generated", generated), _flat("real", real)
    same_width(one, other)
    if along.ndim != 2 or along.shape[0] != one.shape[1] or along.shape[1] < 1:
        raise ValueError(f"The directions should have the shape ({one.shape[1]}, count), not {along.shape}.")
    each = np.empty(along.shape[1])
    step = max(1, BLOCK // (len(one) + len(other)))
    for start in range(0, len(each), step):
        part = slice(start, start + step)
        each[part] = on_a_line(np.sort(one @ along[:, part], axis=0), np.sort(other @ along[:, part], axis=0))
    error = float(each.std(ddof=1) / np.sqrt(len(each))) if len(each) > 1 else 0.0
    return SlicedWasserstein(float(each.mean()), error, each)


def on_a_line(first: Array, second: Array) -> Array:
    """W1 (P,) of columns in ascending order, (N, P) and (M, P): the area between the quantile functions."""
    n, m = len(first), len(second)
    if n == m:
        return np.asarray(np.abs(first - second).mean(axis=0))
    # both are constant between neighbouring multiples of 1 / N and 1 / M: whole numbers over N M
    edges = np.union1d(np.arange(n + 1) * m, np.arange(m + 1) * n)
    gaps = np.abs(first[edges[:-1] // m] - second[edges[:-1] // n])
    return np.asarray(np.diff(edges) @ gaps / (n * m))


def _flat(name: str, samples: ArrayLike) -> Array:
    array = np.asarray(samples)
    return rows(name, array.reshape(len(array), -1) if array.ndim > 2 and array.size else array)
