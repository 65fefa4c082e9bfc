"""Kernel distance of two sets of features: KID (Bińkowski et al. 2018, arXiv 1801.01401, section 4).

The squared maximum mean discrepancy with the kernel k(x, y) = (x.y / d + 1)^3, by the unbiased estimate of
Gretton et al. 2012 (JMLR 13, equation 3), as a mean over subsets of n samples of either side:

    sum over i != j of (k(x_i, x_j) + k(y_i, y_j)) / (n (n - 1)) - 2 sum over i, j of k(x_i, y_j) / n^2

Unlike the Fréchet distance it has no bias, so it is negative about half the time between samples of one
distribution.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ganpipe.metrics._products import Products, blocks
from ganpipe.metrics._samples import rows, same_width
from ganpipe.metrics.pairs import Pairs

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Subsets:
    """Which samples meet: generated (S, n) and real (S, n), indices without repetition in a row."""

    generated: NDArray[np.intp]
    real: NDArray[np.intp]

    @classmethod
    def draw(cls, *, generated: int, real: int, subsets: int, size: int, rng: np.random.Generator) -> Subsets:
        """Random ones of `size` out of so many samples. Raises ValueError for no subset or a size that is not
        from 2 to the number of samples."""
        if subsets < 1:
            raise ValueError(f"subsets is {subsets}: it should be at least 1.")
        if not 2 <= size <= min(generated, real):
            raise ValueError(f"size is {size}: it should be from 2 to the {min(generated, real)} samples there are.")
        drawn = [[np.sort(rng.permutation(n)[:size]) for n in (generated, real)] for _ in range(subsets)]
        return cls(*(np.stack(side) for side in zip(*drawn, strict=True)))


@dataclass(frozen=True)
class Kid:
    """values (S,): the estimate of each subset; mean: theirs; deviation: theirs, with S - 1, 0 where S is 1.

    error: deviation / sqrt(S), the standard error of the mean over subsets. The subsets overlap, so it says
    how well this mean is known for these samples, not how much it would differ for others.
    """

    mean: float
    deviation: float
    error: float
    values: Array

    @classmethod
    def over(cls, values: list[float]) -> Kid:
        array = np.array(values)
        deviation = float(array.std(ddof=1)) if len(array) > 1 else 0.0
        return cls(float(array.mean()), deviation, deviation / float(np.sqrt(len(array))), array)


def kid(*, generated: ArrayLike, real: ArrayLike, subsets: int, size: int, rng: np.random.Generator) -> Kid:
    """KID of features (N, d) and (M, d) over random subsets, with the errors of `Subsets.draw` and
    `kid_on`."""
    one, other = rows("generated", generated), rows("real", real)
    chosen = Subsets.draw(generated=len(one), real=len(other), subsets=subsets, size=size, rng=rng)
    return kid_on(chosen, generated=one, real=other)


def kid_on(chosen: Subsets, *, generated: ArrayLike, real: ArrayLike) -> Kid:
    """KID of features (N, d) and (M, d) on given subsets, in float64 throughout.

    Raises ValueError for wrong shapes, values that are not finite, or subsets that do not fit.
    """
    one, other = rows("generated", generated), rows("real", real)
    same_width(one, other)
    _fitting(chosen, len(one), len(other))
    values = []
    for first, second in zip(chosen.generated, chosen.real, strict=True):
        x, y = one[first], other[second]
        d, n = x.shape[1], len(x)
        within = sum(_cubes(k) - (np.diagonal(k) ** 3).sum() for k in (z @ z.T / d + 1.0 for z in (x, y)))
        values.append(within / (n * (n - 1)) - 2.0 * _cubes(x @ y.T / d + 1.0) / n**2)
    return Kid.over(values)


def kid_of(pairs: Pairs, chosen: Subsets) -> Kid:
    """KID from products that are known already, with the errors of `kid_on`.

    They are float32, of features about their own means; the rest is float64. On subsets of 1,000 by 2,048
    features of order 1 that changes the KID by about 1e-13, far below what the subsets leave open.
    """
    _fitting(chosen, len(pairs.generated.left), len(pairs.real.left))
    n = chosen.real.shape[1]
    within = _sums(pairs.generated, chosen.generated, chosen.generated)
    within += _sums(pairs.real, chosen.real, chosen.real)
    values = within / (n * (n - 1)) - 2.0 * _sums(pairs.between, chosen.generated, chosen.real) / n**2
    return Kid.over(values.tolist())


def _sums(products: Products, left: NDArray[np.intp], right: NDArray[np.intp]) -> Array:
    """The sum of the kernel over each of the subsets (S, n) by (S, n), among one cloud without the pairs of a
    sample and itself.

    x.y = u.v + a.v + x.b for x = a + u and y = b + v: only u.v, which is small, comes from the float32
    products. Their sum is known in float64, too, as that of u times that of v: what float32 misses of it is
    made good at the mean slope of the kernel.
    """
    alone = products.left is products.right
    a, b = products.left.mean, products.right.mean
    d, n = len(b), left.shape[1]
    first = products.left.features @ b / d + 1.0
    second = np.concatenate([products.right.offsets(part) @ a for part in blocks(len(products.right), d)]) / d
    sums = np.zeros(len(left))
    for s, (index, columns) in enumerate(zip(left, right, strict=True)):
        missed = float(products.left.offsets(index).sum(axis=0) @ products.right.offsets(columns).sum(axis=0)) / d
        if alone:
            missed -= float(products.left.lengths[index].sum()) / d
        slope = 3.0 * (first[index].mean() + second[columns].mean() + missed / n**2) ** 2
        for part in blocks(n, 64 * n):
            kernel = products.among(index[part], columns)
            kernel /= d
            own = np.arange(len(kernel)) if alone else np.arange(0)
            kernel[own, own + part.start] = 0.0
            missed -= float(kernel.sum())
            kernel += first[index[part], None]
            kernel += second[columns]
            kernel[own, own + part.start] = 0.0
            sums[s] += _cubes(kernel)
        sums[s] += slope * missed
    return sums


def _cubes(values: Array) -> float:
    """The sum of cubes."""
    return float(np.vdot(values * values, values))


def _fitting(chosen: Subsets, generated: int, real: int) -> None:
    """Raises ValueError where the subsets are no such subsets of so many samples."""
    shape = chosen.generated.shape
    if len(shape) != 2 or shape != chosen.real.shape or shape[0] < 1 or shape[1] < 2:
        raise ValueError(f"Subsets should be (subsets, at least 2) on both sides, not {shape}, {chosen.real.shape}.")
    for name, which, count in (("generated", chosen.generated, generated), ("real", chosen.real, real)):
        if which.min() < 0 or which.max() >= count:
            raise ValueError(f"Subsets of {name} run from {which.min()} to {which.max()}: there are {count} samples.")
        if (np.diff(np.sort(which, axis=1), axis=1) == 0).any():
            raise ValueError(f"Subsets of {name} hold a sample twice: draw without repetition.")
