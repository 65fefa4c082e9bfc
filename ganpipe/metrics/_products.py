"""Inner products and squared distances of two sets of features, a block at a time: what the figures that
compare every sample with every other share.

Nearly all their time goes into products of matrices. Those are taken in float32, which is twice as fast, of
features about their own mean, and with a bound on the error (Higham 2002, Accuracy and Stability of Numerical
Algorithms, section 3.1): what float32 leaves open is decided in float64, so that the answers are those of
float64 whatever the block.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ganpipe.metrics._samples import rows, same_width

Array = NDArray[np.float64]
Rough = NDArray[np.float32]

BLOCK = 2**21
"""Distances held at once (8 MiB each time): memory then grows with the number of samples, not with its square."""

ROUNDING = 1e-13
"""A squared distance is known to about this over the squared lengths, as it comes from |a|^2 + |b|^2 - 2ab.
What lies on a ball's rim within that counts as inside, so that copies of a sample are always found."""

UNIT = 2.0**-24
"""The relative error of rounding to float32."""

TILE = 256
"""Columns that are turned into rows at once: so many stay in the processor's cache."""

CROWD = 64
"""Where more than one distance in so many is left open, the whole block is taken again in float64."""


@dataclass(frozen=True)
class Cloud:
    """Features (N, d) and their mean (d,). lengths (N,): squared, about the mean.

    rough (N, d): about the mean, over the power of two `scale`, so that none is longer than 1.
    """

    features: Array
    mean: Array
    lengths: Array
    rough: Rough
    scale: float

    @classmethod
    def of(cls, features: ArrayLike, *, name: str = "features", at_least: int = 1) -> Cloud:
        """Raises ValueError for a wrong shape, fewer than `at_least` samples or values that are not finite."""
        array = rows(name, features, at_least)
        mean = array.mean(axis=0)
        lengths, rough = np.empty(len(array)), np.empty(array.shape, dtype=np.float32)
        for part in blocks(len(array), array.shape[1]):
            offsets = array[part] - mean
            lengths[part] = np.einsum("nd,nd->n", offsets, offsets)
        scale = power_of_two(float(np.sqrt(lengths.max())))
        for part in blocks(len(array), array.shape[1]):
            rough[part] = (array[part] - mean) / scale
        return cls(array, mean, lengths, rough, scale)

    def __len__(self) -> int:
        return len(self.features)

    def offsets(self, chosen: slice | NDArray[np.intp]) -> Array:
        """The chosen features about the mean, in float64."""
        return np.asarray(self.features[chosen] - self.mean)


@dataclass(frozen=True)
class Products:
    """All pairs of two clouds. Squared distances are left[i] + right[j] - 2 (the product of the offsets).

    first (N,), second (M,): those two terms. slack (N,): a rough squared distance of sample i is off by less.
    unit: rough squared distances are over this power of two. kept (N, M): the rough products, where memory
    was spent on them (4 N M bytes); else a block is computed when it is asked for.
    """

    left: Cloud
    right: Cloud
    first: Array
    second: Array
    slack: Array
    unit: float
    kept: Rough | None

    @classmethod
    def of(cls, left: Cloud, right: Cloud, *, keep: bool = False) -> Products:
        """Raises ValueError where the clouds have different d."""
        same_width(left.features, right.features)
        shift = left.mean - right.mean
        first, second = left.lengths.copy(), right.lengths.copy()
        if left is not right:
            for part in blocks(len(left), len(shift)):
                offsets = left.offsets(part) + shift
                first[part] = np.einsum("nd,nd->n", offsets, offsets)
            for part in blocks(len(right), len(shift)):
                second[part] -= 2.0 * (right.offsets(part) @ shift)
        unit = max(left.scale, right.scale, power_of_two(float(np.sqrt(shift @ shift)))) ** 2
        lengths = np.sqrt(left.lengths * right.lengths.max())
        steps = 2 * (len(shift) + 8) * lengths + 8 * (first + np.abs(second).max() + 2 * lengths)
        kept = None
        if keep:
            kept = _within(left.rough) if left is right else left.rough @ right.rough.T
        return cls(left, right, first, second, UNIT * steps + 1e-30 * unit, unit, kept)

    def blocks(self) -> list[slice]:
        """Slices over the left samples; a block has at most BLOCK pairs."""
        return blocks(len(self.left), len(self.right))

    def rough(self, part: slice) -> Rough:
        """Squared distances (part, M) over `unit`, each off by less than `slack` over `unit`."""
        squares = self.times(-2.0 / self.unit, part)
        squares += (self.first[part, None] / self.unit).astype(np.float32)
        squares += (self.second / self.unit).astype(np.float32)
        return squares

    def times(self, factor: float, part: slice, columns: slice = slice(None)) -> Rough:
        """The products of the offsets (part, columns) times a factor, in an array of their own."""
        whole = np.float32(factor * self.left.scale * self.right.scale)
        if self.kept is not None:
            return np.asarray(whole * self.kept[part, columns], dtype=np.float32)
        return np.asarray((whole * self.left.rough[part]) @ self.right.rough[columns].T, dtype=np.float32)

    def precise(self, part: slice) -> Array:
        """Squared distances (part, M) in float64, from 0 on, and known to ROUNDING."""
        squares = -2.0 * self.left.offsets(part) @ self.right.offsets(slice(None)).T
        squares += self.first[part, None]
        squares += self.second
        return np.maximum(squares, 0.0, out=squares)

    def exact(self, origin: NDArray[np.intp], target: NDArray[np.intp]) -> Array:
        """Squared distances of the pairs (origin[e], target[e]), by differences."""
        squares = np.empty(len(origin))
        for part in blocks(len(origin), self.left.features.shape[1]):
            gaps = self.left.features[origin[part]] - self.right.features[target[part]]
            squares[part] = np.einsum("nd,nd->n", gaps, gaps)
        return squares

    def inside(self, part: slice, rough: Rough, radii: Array) -> NDArray[np.bool_]:
        """Which pairs of a block are within squared radii, (part, 1) or (1, M), rim included.

        rough: the block's `rough(part)`.
        """
        gaps = rough - (radii / self.unit).astype(np.float32)
        hit = np.asarray(gaps <= 0.0)
        slack = (self.slack[part] + 4 * UNIT * float(radii.max())) / self.unit
        np.abs(gaps, out=gaps)
        near = gaps <= np.nextafter(slack.astype(np.float32), np.float32(np.inf))[:, None]
        origin, target = true_at(near)
        if len(origin):
            offset = origin + (part.start or 0)
            if len(origin) * CROWD > near.size:
                squares = self.precise(part)[origin, target]
            else:
                squares = self.exact(offset, target)
            rims = np.broadcast_to(radii, near.shape)[origin, target]
            rims = rims + ROUNDING * (self.first[offset] + self.right.lengths[target])
            hit[origin, target] = squares <= rims
        return hit

    def nearest(self, neighbours: int) -> Array:
        """Squared distance (N,) of every left sample to its k-th nearest right one, k = `neighbours`.

        Where both sides are the same cloud, a sample is no neighbour of itself; another one at the same place
        is.
        """
        found = np.empty(len(self.left))
        for part in self.blocks():
            squares = self.rough(part)
            own = np.arange(len(squares))
            if self.left is self.right:
                squares[own, own + part.start] = np.inf
            smallest = np.partition(squares, neighbours - 1, axis=1)[:, :neighbours]
            limit = smallest[:, -1:]
            margin = np.nextafter((2.0 * self.slack[part] / self.unit).astype(np.float32), np.float32(np.inf))[:, None]
            below = np.count_nonzero(limit - smallest > margin, axis=1)
            # whatever is not `near` is surely on its side of the wanted one
            origin, target = true_at(np.abs(np.subtract(squares, limit, out=squares), out=squares) <= margin)
            if len(origin) * CROWD > max(squares.size, CROWD * 4 * len(own)):
                found[part] = self._nearest_precisely(part, neighbours)
                continue
            exact = self.exact(origin + part.start, target)
            order = np.lexsort((exact, origin))
            found[part] = exact[order[np.searchsorted(origin, own) + neighbours - 1 - below]]
        return found

    def _nearest_precisely(self, part: slice, neighbours: int) -> Array:
        squares = self.precise(part)
        if self.left is self.right:
            own = np.arange(len(squares))
            squares[own, own + part.start] = np.inf
        return np.asarray(np.partition(squares, neighbours - 1, axis=1)[:, neighbours - 1])


def blocks(count: int, width: int) -> list[slice]:
    """Slices over `count` rows of `width` numbers: each holds at most BLOCK numbers, or one row."""
    step = max(1, BLOCK // width)
    return [slice(start, min(start + step, count)) for start in range(0, count, step)]


def true_at(flags: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of what is true, in order, as np.nonzero has them, which is slow in two dimensions."""
    origin, target = np.divmod(np.flatnonzero(flags), flags.shape[1])
    return origin, target


def power_of_two(value: float) -> float:
    """The least power of two above `value`, 1 for 0: dividing by it loses nothing."""
    return float(np.ldexp(1.0, np.frexp(value)[1])) if value > 0.0 else 1.0


def _within(rough: Rough) -> Rough:
    """The products of one cloud: half of them, and their mirror image."""
    products = np.empty((len(rough), len(rough)), dtype=np.float32)
    for part in blocks(len(rough), len(rough)):
        products[part, part.start :] = rough[part] @ rough[part.start :].T
        for start in range(part.stop, len(rough), TILE):
            tile = slice(start, start + TILE)
            products[tile, part] = products[part, tile].T
    return products
