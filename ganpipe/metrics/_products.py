"""Inner products and squared distances of two sets of features, a block at a time: what the figures that
compare every sample with every other share.

Nearly all their time goes into products of matrices. Those are taken in float32, which is twice as fast, of
features about their own mean, and with a bound on the error (Higham 2002, Accuracy and Stability of Numerical
Algorithms, section 3.1): what float32 leaves open is decided in float64, so that the answers are those of
float64 whatever the block and however many threads there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ganpipe.metrics import _threads
from ganpipe.metrics._cloud import Cloud, power_of_two, squared
from ganpipe.metrics._samples import same_width
from ganpipe.metrics._strips import Strips
from ganpipe.metrics._threads import CACHE, each, product

Array = NDArray[np.float64]
Rough = NDArray[np.float32]
Indices = NDArray[np.intp]

BLOCK = 2**21
"""Distances held at once (16 MiB in float64): memory then grows with the number of samples, not with its square."""

STRIP = 4
"""So many blocks of products are computed at once (32 MiB in float32): with few rows in each, most of the time goes
into arranging the other matrix."""

PART = 2**20
"""Products that a thread looks at between two looks of Python's: with fewer, the threads wait for each other."""

ROUNDING = 1e-13
"""A squared distance is known to about this over the squared lengths, as it comes from |a|^2 + |b|^2 - 2ab.
What lies on a ball's rim within that counts as inside, so that copies of a sample are always found."""

UNIT = 2.0**-24
"""The relative error of rounding to float32."""

GROUP = 32
"""Of so many distances only the least is looked at, where the k least of all are wanted."""

CROWD = 64
"""Where more than one distance in so many is left open, the whole block is taken again in float64."""


@dataclass
class Hits:
    """Pairs within their radii: whether a left sample (N,), a right one (M,) is in one, and how many there are."""

    left: NDArray[np.bool_]
    right: NDArray[np.bool_]
    count: int = 0

    @classmethod
    def of(cls, within: Indices | None, shape: tuple[int, ...]) -> Hits | None:
        """From indices into a flat block of this shape; None stays None."""
        if within is None:
            return None
        found = cls(np.zeros(shape[0], np.bool_), np.zeros(shape[1], np.bool_), len(within))
        origin, target = np.divmod(within, shape[1])
        found.left[origin], found.right[target] = True, True
        return found

    def add(self, part: slice, some: Hits | None) -> None:
        """Those of a part of the left samples."""
        if some is not None:
            self.left[part] = some.left
            self.right |= some.right
            self.count += some.count


@dataclass(frozen=True)
class Products:
    """All pairs of two clouds. Squared distances are left[i] + right[j] - 2 (the product of the offsets).

    first (N,), second (M,): those two terms. slack (N,): a rough squared distance of sample i is off by less.
    unit: rough squared distances are over this power of two. kept: the rough products (N, M) times -2 / unit, where
    memory was spent on them (4 N M bytes, little more than half of it for a cloud with itself); else some rows are
    computed when they are asked for.
    """

    left: Cloud
    right: Cloud
    first: Array
    second: Array
    slack: Array
    unit: float
    kept: Strips | None

    @classmethod
    def of(cls, left: Cloud, right: Cloud, *, keep: bool = False) -> Products:
        """Raises ValueError where the clouds have different d."""
        same_width(left.features, right.features)
        shift = left.mean - right.mean
        first, second = left.lengths.copy(), right.lengths.copy()
        if left is not right:

            def from_right(part: slice) -> None:
                first[part] = squared(left.features[part] - right.mean)

            def along_shift(part: slice) -> None:
                second[part] -= 2.0 * np.einsum("nd,d->n", right.offsets(part), shift)

            each(from_right, cached(len(left), len(shift)))
            each(along_shift, cached(len(right), len(shift)))
        unit = max(left.scale, right.scale, power_of_two(float(np.sqrt(shift @ shift)))) ** 2
        lengths = np.sqrt(left.lengths * right.lengths.max())
        steps = 2 * (len(shift) + 8) * lengths + 8 * (first + np.abs(second).max() + 2 * lengths)
        products = cls(left, right, first, second, UNIT * steps + 1e-30 * unit, unit, None)
        if not keep:
            return products
        parts, factor = products._strips(), products._factor()
        return replace(products, kept=Strips.of(left.rough, right.rough, parts, factor, half=left is right))

    def _factor(self) -> float:
        """What products of rough offsets are multiplied by to be those of the offsets times -2 / unit."""
        return -2.0 / self.unit * self.left.scale * self.right.scale

    def _strips(self) -> list[slice]:
        return _threads.blocks(len(self.left), len(self.right), STRIP * BLOCK)

    def blocks(self) -> list[slice]:
        """Slices over the left samples; a block has at most BLOCK pairs."""
        return blocks(len(self.left), len(self.right))

    def strips(self) -> Iterator[Products]:
        """These pairs with the products of all left samples kept, or of some, until the next are asked for."""
        if self.kept is not None:
            yield self
            return
        parts = self._strips()
        buffer = np.empty((parts[0].stop, len(self.right)), dtype=np.float32)
        for part in parts:
            into = buffer[: part.stop - part.start]
            some = product(self.left.rough[part], self.right.rough, into, self._factor())
            yield replace(self, kept=Strips((part,), (some,), half=False))

    def looks(self) -> list[slice]:
        """Slices over the left samples whose products are kept: what a thread looks at at once."""
        assert self.kept is not None
        return [some for part in self.kept.parts for some in _threads.within(part, len(self.right), min(BLOCK, PART))]

    def _plus(self, row: Array, part: slice) -> Rough:
        """A row (M,) less twice the products (part, M), over `unit`: of `second` and `first` besides, rough squared
        distances, each off by less than `slack` over `unit`. For a part whose products are kept."""
        assert self.kept is not None
        return self.kept.combined(np.add, (row / self.unit).astype(np.float32), part, slice(0, len(self.right)))

    def times(self, factor: float, part: slice, columns: slice) -> Rough:
        """The products of the offsets (part, columns) times a factor, in an array of their own, where they are kept."""
        assert self.kept is not None
        return self.kept.combined(np.multiply, np.float32(-0.5 * factor * self.unit), part, columns)

    def precise(self, part: slice, right: Array | None = None) -> Array:
        """Squared distances (part, M) in float64, from 0 on, and known to ROUNDING.

        right: all offsets of the right samples, where the caller has them for several parts.
        """
        squares = product(-2.0 * self.left.offsets(part), self.right.offsets(slice(None)) if right is None else right)
        squares += self.first[part, None]
        squares += self.second
        return np.maximum(squares, 0.0, out=squares)

    def exact(self, origin: NDArray[np.intp], target: NDArray[np.intp]) -> Array:
        """Squared distances of the pairs (origin[e], target[e]), by differences."""
        squares = np.empty(len(origin))
        for part in cached(len(origin), len(self.left.mean)):
            ends = self.left.features[origin[part]], self.right.features[target[part]]
            squares[part] = squared(np.subtract(*ends, dtype=np.float64))
        return squares

    def _precisely_inside(self, part: slice, radii: Array) -> NDArray[np.bool_]:
        """Which pairs (part, M) are within squared radii, (part, 1) or (1, M), rim included, all in float64."""
        rims = ROUNDING * (self.first[part, None] + self.right.lengths)
        rims += radii
        return np.asarray(self.precise(part) <= rims)

    def _inside(self, part: slice, radii: Array) -> Indices | None:
        """Where `_precisely_inside` is true, as indices into the flat block; None where float32 leaves too much open.

        A squared distance is within its radius where what depends on the pair and on the right sample is not above
        what depends on the left one, so that the block is passed over once to add a row and once to compare.
        """
        of_right = len(radii) == 1
        slack = self.slack[part] + 4 * UNIT * float(radii.max())
        level = -self.first[part] if of_right else radii[:, 0] - self.first[part]
        gaps = self._plus(self.second - radii[0] if of_right else self.second, part)
        within = np.flatnonzero(gaps <= upward((level + slack) / self.unit)[:, None])
        origin, target = np.divmod(within, gaps.shape[1])
        sure = gaps.ravel()[within] < -upward((slack - level) / self.unit)[origin]
        origin, target = origin[~sure], target[~sure]
        if len(origin) * CROWD > gaps.size:
            return None
        rims = np.broadcast_to(radii, gaps.shape)[origin, target]
        origin = origin + part.start
        rims = rims + ROUNDING * (self.first[origin] + self.right.lengths[target])
        sure[~sure] = self.exact(origin, target) <= rims
        return within[sure]

    def hits(self, *radii: Array) -> list[Hits]:
        """For each of some squared radii, (N, 1) or (1, M), which samples have a pair within them, rim included."""
        found = [Hits(np.zeros(len(self.left), np.bool_), np.zeros(len(self.right), np.bool_)) for _ in radii]
        crowded: list[list[slice]] = [[] for _ in radii]
        for pairs in self.strips():
            parts = pairs.looks()

            def look(part: slice, pairs: Products = pairs) -> list[Hits | None]:
                shape = part.stop - part.start, len(self.right)
                return [Hits.of(pairs._inside(part, _of(part, reach)), shape) for reach in radii]

            for part, several in zip(parts, each(look, parts), strict=True):
                for hits, some, again in zip(found, several, crowded, strict=True):
                    again += [part] if some is None else []
                    hits.add(part, some)
        for reach, hits, again in zip(radii, found, crowded, strict=True):
            for part in joined(again, len(self.right)):
                within = self._precisely_inside(part, _of(part, reach))
                hits.add(part, Hits.of(np.flatnonzero(within), within.shape))
        return found

    def nearest(self, neighbours: int) -> Array:
        """Squared distance (N,) of every left sample to its k-th nearest right one, k = `neighbours`.

        Where both sides are the same cloud, a sample is no neighbour of itself; another one at the same place
        is.
        """
        found, open_parts = np.empty(len(self.left)), []
        for pairs in self.strips():
            parts = pairs.looks()

            def look(part: slice, pairs: Products = pairs) -> Array | None:
                return self._nearest(part, pairs._plus(self.second, part), neighbours)

            for part, values in zip(parts, each(look, parts), strict=True):
                if values is None:
                    open_parts.append(part)
                else:
                    found[part] = values
        for part in joined(open_parts, len(self.right)):
            squares = self.precise(part)
            if self.left is self.right:
                own = np.arange(len(squares))
                squares[own, own + part.start] = np.inf
            found[part] = np.partition(squares, neighbours - 1, axis=1)[:, neighbours - 1]
        return found

    def _nearest(self, part: slice, squares: Rough, neighbours: int) -> Array | None:
        """The same of a block by its rough squared distances, less what its row has in common, which it writes to; None
        where too much is open."""
        own = np.arange(len(squares))
        if self.left is self.right:
            squares[own, own + part.start] = np.inf
        margin = upward(2.0 * self.slack[part] / self.unit)
        limit = upward(_bound(squares, neighbours) + margin)
        origin, target = np.divmod(np.flatnonzero(squares <= limit[:, None]), squares.shape[1])
        if (len(origin) - neighbours * len(own)) * CROWD > max(squares.size, CROWD * 4 * len(own)):
            return None
        values = squares[origin, target]
        order = np.lexsort((values, origin))
        target, values = target[order], values[order]
        # what is not near the wanted one is surely on its side of it
        gaps = values - values[np.searchsorted(origin, own) + neighbours - 1][origin]
        near = np.abs(gaps) <= margin[origin]
        below = np.bincount(origin[gaps < -margin[origin]], minlength=len(own))
        origin, target = origin[near], target[near]
        exact = self.exact(origin + part.start, target)
        order = np.lexsort((exact, origin))
        return np.asarray(exact[order[np.searchsorted(origin, own) + neighbours - 1 - below]])


def blocks(count: int, width: int) -> list[slice]:
    """Slices over `count` rows of `width` numbers: each holds at most BLOCK numbers, or one row."""
    return _threads.blocks(count, width, BLOCK)


def cached(count: int, width: int) -> list[slice]:
    """The same of blocks that stay in the processor's cache."""
    return _threads.blocks(count, width, min(BLOCK, CACHE))


def joined(parts: list[slice], width: int) -> list[slice]:
    """The parts, in order, neighbours as one of at most BLOCK numbers."""
    found: list[slice] = []
    for part in parts:
        if found and found[-1].stop == part.start and (part.stop - found[-1].start) * width <= BLOCK:
            part = slice(found.pop().start, part.stop)
        found.append(part)
    return found


def upward(values: NDArray[np.floating]) -> Rough:
    """The values as float32, rounded up."""
    return np.nextafter(values.astype(np.float32), np.float32(np.inf))


def _of(part: slice, radii: Array) -> Array:
    """Radii (N, 1) of a part, or (1, M) as they are."""
    return radii if len(radii) == 1 else radii[part]


def _bound(squares: Rough, neighbours: int) -> Rough:
    """What the k-th least of each row of squares (n, M) is not above, and hardly below."""
    groups = squares.shape[1] // GROUP
    if groups < 8 * neighbours:
        return np.asarray(np.partition(squares, neighbours - 1, axis=1)[:, neighbours - 1])
    least = squares[:, : groups * GROUP].reshape(len(squares), GROUP, groups).min(axis=1)
    return np.asarray(np.partition(least, neighbours - 1, axis=1)[:, neighbours - 1])
