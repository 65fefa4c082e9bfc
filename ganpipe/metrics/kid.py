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

from ganpipe.metrics._cloud import Cloud, Rough
from ganpipe.metrics._products import Block, Products, Visitor
from ganpipe.metrics._samples import rows, same_width
from ganpipe.metrics._threads import product
from ganpipe.metrics.pairs import Pairs

Array = NDArray[np.float64]

SOME = 256
"""So many samples of either side, spread over all, show what is usual."""

LARGEST = 1e30
"""Features up to here have cubes of kernels that float64 holds."""

FAR = 1e14
"""Up to so large a squared length of a sample, over the unit of the products, the cubes of ten thousand samples by as
many add up below float32's 3e38."""

SURE = 3e-7
"""How far off float32 may leave the estimate of any part, over the mean of all subsets; ten times that over their
deviation."""

PARTS, SMALLER = 8, 4
"""So many parts are compared, each with a quarter of a subset's samples: together they cost half of a subset."""

FEW = 4
"""So many subsets are too few to know their deviation from, where they may be off."""

CHEAP = 2**33
"""Up to so many features times kernels, float64 costs less than half a second: float32 is not worth its error."""


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
    return _exactly(chosen, one, other)


def _exactly(chosen: Subsets, one: NDArray[np.floating], other: NDArray[np.floating]) -> Kid:
    """KID of fitting subsets in float64; samples in float32 are converted one subset at a time."""
    ends = zip(chosen.generated, chosen.real, strict=True)
    return Kid.over(
        [_estimate(*(x.astype(np.float64, copy=False) for x in (one[left], other[right]))) for left, right in ends]
    )


def _estimate(x: Array, y: Array) -> float:
    """The estimate of samples (n, d) and (n, d)."""
    n = len(x)
    within = sum(_cubes(k) - float((np.diagonal(k) ** 3).sum()) for k in (_kernels(x, x), _kernels(y, y)))
    return within / (n * (n - 1)) - 2.0 * _cubes(_kernels(x, y)) / n**2


def _kernels(x: Array, y: Array) -> Array:
    """x.y / d + 1 of all pairs."""
    found = product(x, y)
    found /= x.shape[1]
    found += 1.0
    return found


def kid_of(pairs: Pairs, chosen: Subsets) -> Kid:
    """The same of pairs, from products in float32 where those will do, with the errors of `kid_on`: see `Kernel`."""
    kernel = Kernel.of(pairs, chosen)
    sides = zip((pairs.generated, pairs.real, pairs.between), kernel.visitors, strict=True)
    return kernel.kid(*(products.visit(*visitors) for products, visitors in sides))


@dataclass(frozen=True)
class Kernel:
    """KID as visitors of the pairs among the generated samples, among the real ones, and between them, so that others
    may visit them beside.

    All products are float32, of features about their own means; the rest is float64. What float32 leaves open is small
    beside the kernels, but not beside a distance that is far smaller than they are, as in clusters far from each other
    or between two samples of one distribution. So the estimates of `_parts` are taken in float32 and in float64; unless
    they are the same within SURE, all subsets are taken in float64. At once are FEW subsets or less, CHEAP ones, and
    features above LARGEST or too FAR from zero for their spread: those have no visitors.
    """

    pairs: Pairs
    chosen: Subsets
    parts: Subsets
    visitors: tuple[tuple[Visitor, ...], tuple[Visitor, ...], tuple[Visitor, ...]]

    @classmethod
    def of(cls, pairs: Pairs, chosen: Subsets) -> Kernel:
        """Raises ValueError as `kid_on` does."""
        one, other = pairs.generated.left, pairs.real.left
        _fitting(chosen, len(one), len(other))
        subsets, n = chosen.real.shape
        parts = _parts(chosen, one, other)
        d, largest = len(one.mean), max(one.largest, other.largest)
        far = d * (largest * largest + 1.0) / min(pairs.generated.unit, pairs.real.unit, pairs.between.unit)
        if subsets <= FEW or subsets * n * n * d <= CHEAP or largest > LARGEST or far > FAR:
            return cls(pairs, chosen, parts, ((), (), ()))
        left = _Side.of(one, [*chosen.generated, *parts.generated])
        right = _Side.of(other, [*chosen.real, *parts.real])
        among = _Sums.of(pairs.generated, left, left), _Sums.of(pairs.real, right, right)
        return cls(pairs, chosen, parts, ((among[0],), (among[1],), (_Sums.of(pairs.between, left, right),)))

    def kid(self, generated: list[Array], real: list[Array], between: list[Array]) -> Kid:
        """From what the visits to each of the three gave."""
        one, other = self.pairs.generated.left.features, self.pairs.real.left.features
        if between:
            count, n, part = len(self.chosen.real), self.chosen.real.shape[1], self.parts.real.shape[1]
            sizes = np.repeat([n, part], [count, len(self.parts.real)])
            values = (generated[0] + real[0]) / (sizes * (sizes - 1)) - 2.0 * between[0] / sizes**2
            found, rough = Kid.over(values[:count].tolist()), values[count:]
            sure = _exactly(self.parts, one, other)
            if np.abs(rough - sure.values).max() <= SURE * min(abs(found.mean), 10.0 * found.deviation):
                return found
        return _exactly(self.chosen, one, other)


def _parts(chosen: Subsets, generated: Cloud, real: Cloud) -> Subsets:
    """Samples of some subsets: in half of the parts spread over theirs, and in the others those furthest from the mean,
    of the subsets that have the furthest ones, as a few samples far away can be all that matters."""
    n, half = chosen.real.shape[1], PARTS // 2
    size = max(2, n // SMALLER)
    any_of, last = np.arange(half) * len(chosen.real) // half, np.arange(n - size, n)
    sides = []
    for cloud, groups in ((generated, chosen.generated), (real, chosen.real)):
        lengths = cloud.lengths[groups]
        longest = np.argsort(lengths.max(axis=1))[-half:]
        furthest = np.argpartition(lengths[longest], last[0], axis=1)[:, last]
        spread = groups[any_of][:, np.arange(size) * n // size]
        sides.append(np.concatenate([spread, np.take_along_axis(groups[longest], furthest, axis=1)]))
    return Subsets(*sides)


@dataclass(frozen=True)
class _Side:
    """One side's groups of samples: members (S, N), 1 or 0, and the sum (S, d) of the offsets of each, by products in
    float32."""

    members: Rough
    totals: Array

    @classmethod
    def of(cls, cloud: Cloud, groups: list[NDArray[np.intp]]) -> _Side:
        members = np.zeros((len(groups), len(cloud)), dtype=np.float32)
        for member, some in zip(members, groups, strict=True):
            member[some] = 1.0
        return cls(members, cloud.scale * product(members, cloud.rough.T).astype(np.float64))


@dataclass(frozen=True)
class _Sums(Visitor):
    """The sum of the kernel over the pairs of each of S groups of one side with that of the other side, among one cloud
    without the pairs of a sample and itself.

    For x = a + u and y = b + v, x.y + d = c + e with one c for all pairs and e = f + g + u.v, where f depends on
    x and g on y only. Then (x.y + d)^3 is c^3 + 3 c^2 e + e^2 (3 c + e). The sum of e is that of u times that
    of v and needs no products of pairs; the last term, which needs them, is small. All of it is over `unit`, as the
    products of a block are.

    known (S,): the sum but for the last term, and but for what that has beyond `usual`. near (N, 1), far (M,): f and g.
    triple: 3 c.
    """

    left: _Side
    right: _Side
    known: Array
    near: Rough
    far: Rough
    triple: np.float32
    usual: np.float32
    unit: float

    @classmethod
    def of(cls, pairs: Products, left: _Side, right: _Side) -> _Sums:
        alone = pairs.left is pairs.right
        d, unit, n = len(pairs.left.mean), -0.5 * pairs.unit, left.members.sum(axis=1, dtype=np.float64)
        others = n - int(alone)
        # along the other side's mean
        f, g = (pairs.left.along - pairs.along) / unit, (pairs.right.along + pairs.across) / unit
        middle = float(pairs.left.mean @ pairs.right.mean + d) / unit
        triple = np.float32(3.0 * middle)  # c is whatever makes this exact: what rounding leaves goes to f
        c = float(triple) / 3.0
        f += middle - c
        straight = np.einsum("sd,sd->s", left.totals, right.totals) / unit
        straight += others * (left.members @ f + right.members @ g)
        if alone:
            straight -= left.members @ pairs.left.lengths / unit
        near, far = f[:, None].astype(np.float32), g.astype(np.float32)
        one, other = (np.linspace(0, len(cloud) - 1, SOME).astype(np.intp) for cloud in (pairs.left, pairs.right))
        e = product(pairs.left.offsets(one), pairs.right.offsets(other)) / unit + near[one] + far[other]
        usual = np.float32(np.median(e * e * (triple + e)))  # a mean would be that of the farthest
        known = n * others * (c**3 + float(usual)) + 3.0 * c**2 * straight
        return cls(left, right, known, near, far, triple, usual, unit)

    def look(self, block: Block) -> Array:
        terms, own = block.memory.like("terms", block.products), block.own
        near, far = self.near[block.rows], self.far[block.columns]
        for some in block.looks():
            products = block.products[some]
            e = np.add(products, near[some], out=block.memory.like("part", products))
            e += far
            here = np.multiply(e, e, out=terms[some])
            e += self.triple
            here *= e
            here -= self.usual  # float32 adds up many small numbers of either sign better than of one
        if own:
            np.fill_diagonal(terms, 0.0)
        sums, others = self.left.members[:, block.rows] @ terms, self.right.members[:, block.columns]
        once, rest = (
            np.einsum("sn,sn->s", sums[:, part], others[:, part], dtype=np.float64)
            for part in (slice(0, own), slice(own, None))
        )
        return np.asarray(once + 2.0 * rest if block.alone else rest)

    def gathered(self, pairs: Products, found: list[Array]) -> Array:
        return np.asarray((self.known + np.sum(found, axis=0)) * (self.unit / len(pairs.left.mean)) ** 3)


def _cubes(values: Array) -> float:
    """The sum of cubes."""
    cubes = values * values
    cubes *= values
    return float(cubes.sum())


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
