"""Inner products and squared distances of two sets of features, a block at a time: what the figures that
compare every sample with every other share.

Nearly all their time goes into products of matrices. Those are taken in float32, which is twice as fast, of
features about their own mean, and with a bound on the error (Higham 2002, Accuracy and Stability of Numerical
Algorithms, section 3.1): what float32 leaves open is decided in float64, so that the answers are those of
float64 whatever the block and however many threads there are. Nothing keeps the products: whatever wants to see them
visits each block while it is in the processor's cache, all in one pass, and memory grows with the number of samples.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganpipe.metrics import _threads
from ganpipe.metrics._cloud import Cloud, power_of_two, squared
from ganpipe.metrics._samples import same_width
from ganpipe.metrics._threads import CACHE, each, evenly, in_turn, product

Array = NDArray[np.float64]
Rough = NDArray[np.float32]
Indices = NDArray[np.intp]
Tile = tuple[slice, slice]
"""Rows and columns."""

BLOCK = 2**21
"""Distances held at once (16 MiB in float64): memory then grows with the number of samples, not with its square."""

WIDTH = 2**11
"""So many columns at most are visited at once, with at most BLOCK products of them (8 MiB in float32): those stay in
the processor's cache, and both sides are used often enough to be worth arranging for the product."""

SHARES = 16
"""So many blocks at least, for several threads, where there are ROWS samples for each, and what was found in so many is
sifted."""

ROWS = 256
"""Fewer samples than that are no block of their own."""

PART = 2**19
"""Products that a visitor looks at between two looks of Python's: with fewer, the threads wait for each other."""

ROUNDING = 1e-13
"""A squared distance is known to about this over the squared lengths, as it comes from |a|^2 + |b|^2 - 2ab.
What lies on a ball's rim within that counts as inside, so that copies of a sample are always found."""

ALL = slice(None)

UNIT = 2.0**-24
"""The relative error of rounding to float32."""

CROWD = 64
"""Where more than one distance in so many is left open, all of them are taken again in float64."""


class Memory(threading.local):
    """What each thread writes to, by name: new memory costs a tenth of the product that goes there."""

    def __init__(self) -> None:
        self.held: dict[str, Rough] = {}

    def of(self, name: str, rows: int, columns: int) -> Rough:
        if name not in self.held or self.held[name].size < rows * columns:
            self.held[name] = np.empty(rows * columns, dtype=np.float32)
        return self.held[name][: rows * columns].reshape(rows, columns)

    def like(self, name: str, array: Rough) -> Rough:
        """Of the same shape, and laid out in the same order."""
        turned = abs(array.strides[0]) < abs(array.strides[1])
        return self.of(name, *array.T.shape).T if turned else self.of(name, *array.shape)


@dataclass(frozen=True)
class Block:
    """Products of some samples: rough, of the offsets, times -2 / unit, (rows, columns). They are not to be written to,
    and gone after the visit, as what a visitor writes to `memory` is after its look.

    Of a cloud with itself each pair is in one block, or twice in that of both.
    """

    pairs: Products
    rows: slice
    columns: slice
    products: Rough
    memory: Memory

    @property
    def alone(self) -> bool:
        return self.pairs.left is self.pairs.right

    @property
    def own(self) -> int:
        """So many of the first columns are the rows themselves: all or none."""
        return len(self.products) if self.alone and self.rows.start == self.columns.start else 0

    def looks(self) -> list[slice]:
        """Slices over the rows of the products."""
        return looks(*self.products.shape)


class Visitor(ABC):
    """Looks at each block of products, maybe at several at once, and then sums up what it found, in order."""

    @abstractmethod
    def look(self, block: Block) -> Any: ...

    def sifted(self, pairs: Products, found: list[Any]) -> list[Any]:
        """What of that is still wanted, on the way: for what would else grow with the number of blocks."""
        return found

    @abstractmethod
    def gathered(self, pairs: Products, found: list[Any]) -> Any: ...


@dataclass(frozen=True)
class Products:
    """All pairs of two clouds. Squared distances are left[i] + right[j] - 2 (the product of the offsets).

    first (N,), second (M,): those two terms. along (N,), across (M,): the left and the right offsets times the shift
    from the right mean to the left one. slack (N,): a rough squared distance of sample i is off by less. unit: rough
    squared distances are over this power of two.
    """

    left: Cloud
    right: Cloud
    first: Array
    second: Array
    along: Array
    across: Array
    slack: Array
    unit: float

    @classmethod
    def of(cls, left: Cloud, right: Cloud) -> Products:
        """Raises ValueError where the clouds have different d."""
        same_width(left.features, right.features)
        shift = left.mean - right.mean
        apart = float(shift @ shift)
        first, along, across = left.lengths.copy(), np.zeros(len(left)), np.zeros(len(right))
        if left is not right:

            def from_right(part: slice) -> None:
                offsets = left.features[part] - right.mean
                first[part], along[part] = squared(offsets), offsets @ shift - apart

            def along_shift(part: slice) -> None:
                across[part] = right.offsets(part) @ shift

            each(from_right, cached(len(left), len(shift)))
            each(along_shift, cached(len(right), len(shift)))
        second = right.lengths - 2.0 * across
        unit = max(left.scale, right.scale, power_of_two(apart**0.5)) ** 2
        lengths = np.sqrt(left.lengths * right.lengths.max())
        steps = 2 * (len(shift) + 8) * lengths + 8 * (first + np.abs(second).max() + 2 * lengths)
        return cls(left, right, first, second, along, across, UNIT * steps + 1e-30 * unit, unit)

    def visit(self, *visitors: Visitor) -> list[Any]:
        """What each visitor makes of all blocks."""
        if not visitors:
            return []
        memory = Memory()
        factor = np.float32(-2.0 / self.unit * self.left.scale * self.right.scale)  # of powers of two

        def look(tile: Tile) -> list[Any]:
            rows, columns = tile
            some, others = self.left.rough[rows], self.right.rough[columns]
            scaled = np.multiply(some, factor, out=memory.of("scaled", *some.shape))
            into = np.matmul(scaled, others.T, out=memory.of("products", len(some), len(others)))
            block = Block(self, rows, columns, into, memory)
            return [visitor.look(block) for visitor in visitors]

        found = [list[Any]() for _ in visitors]
        for number, looked in enumerate(in_turn(look, self._tiles()), start=1):
            for visitor, seen, some in zip(visitors, found, looked, strict=True):
                seen.append(some)
                if number % SHARES == 0:
                    seen[:] = visitor.sifted(self, seen)
        return [visitor.gathered(self, seen) for visitor, seen in zip(visitors, found, strict=True)]

    def _tiles(self) -> list[Tile]:
        """Rows and columns of each block. Of a cloud with itself there are none below the diagonal, and those on it
        have few rows, as they hold pairs twice; they are the last ones, which the threads share well."""
        n, m = len(self.left), len(self.right)
        across = evenly(0, m, WIDTH)
        shared = max(ROWS, -(-n * len(across) // SHARES))
        down = evenly(0, n, max(1, min(shared, BLOCK // min(m, WIDTH))))
        if self.left is not self.right:
            return [(rows, columns) for rows in down for columns in across]
        beside = [(rows, columns) for rows in down for columns in evenly(rows.stop, n, WIDTH)]
        return beside + [
            (some, slice(some.start, rows.stop)) for rows in down for some in evenly(rows.start, rows.stop, ROWS)
        ]

    def blocks(self) -> list[slice]:
        """Slices over the left samples; a block has at most BLOCK pairs."""
        return blocks(len(self.left), len(self.right))

    def precise(self, chosen: slice | Indices, columns: slice = ALL, right: Array | None = None) -> Array:
        """Squared distances (chosen, columns) in float64, from 0 on, and known to ROUNDING.

        right: the offsets of the columns, where the caller has them for several parts.
        """
        from_right = -2.0 * (self.left.features[chosen] - self.right.mean)
        squares = product(from_right, self.right.offsets(columns) if right is None else right)
        squares += self.first[chosen, None]
        squares += self.right.lengths[columns]
        return np.maximum(squares, 0.0, out=squares)

    def exact(self, origin: Indices, target: Indices) -> Array:
        """Squared distances of the pairs (origin[e], target[e]), by differences."""
        squares = np.empty(len(origin))
        for part in cached(len(origin), len(self.left.mean)):
            ends = self.left.features[origin[part]], self.right.features[target[part]]
            squares[part] = squared(np.subtract(*ends, dtype=np.float64))
        return squares


def blocks(count: int, width: int) -> list[slice]:
    """Slices over `count` rows of `width` numbers: each holds at most BLOCK numbers, or one row."""
    return _threads.blocks(count, width, BLOCK)


def looks(count: int, width: int) -> list[slice]:
    """The same of what a visitor looks at at once."""
    return _threads.blocks(count, width, min(BLOCK, PART))


def cached(count: int, width: int) -> list[slice]:
    """The same of blocks that stay in the processor's cache."""
    return _threads.blocks(count, width, min(BLOCK, CACHE))


def upward(values: NDArray[np.floating]) -> Rough:
    """The values as float32, rounded up."""
    return np.nextafter(values.astype(np.float32), np.float32(np.inf))
