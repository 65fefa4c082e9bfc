"""Which samples lie in balls around others, from rough products."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ganpipe.metrics import _products
from ganpipe.metrics._products import CROWD, ROUNDING, UNIT, Block, Indices, Products, Rough, Visitor, upward

Array = NDArray[np.float64]


@dataclass
class Hits:
    """Pairs within their radii: whether a left sample (N,), a right one (M,) is in one, and how many there are."""

    left: NDArray[np.bool_]
    right: NDArray[np.bool_]
    count: int = 0

    @classmethod
    def of(cls, origin: Indices, target: Indices, left: int, right: int) -> Hits:
        """Of the pairs (origin[e], target[e]) among so many samples."""
        found = cls.none(left, right)
        found.left[origin], found.right[target], found.count = True, True, len(origin)
        return found

    @classmethod
    def none(cls, left: int, right: int) -> Hits:
        return cls(np.zeros(left, np.bool_), np.zeros(right, np.bool_))

    def add(self, part: slice, some: Hits) -> None:
        """Those of a part of the left samples."""
        self.left[part] = some.left
        self.right |= some.right
        self.count += some.count


@dataclass(frozen=True)
class Inside(Visitor):
    """A visitor of two clouds that finds the pairs within squared radii, (N, 1) or (1, M), rim included: Hits."""

    radii: Array

    def look(self, block: Block) -> tuple[slice, Hits, list[slice]]:
        """The rows, what is in them, and those that are left out, as too much is open."""
        assert not block.alone  # each pair would be there once
        (n, m), again = block.products.shape, []
        found = Hits.none(n, m)
        for some in block.looks():
            rows = slice(block.rows.start + some.start, block.rows.start + some.stop)
            ends = self._inside(block.pairs, rows, block.products[some])
            if ends is None:
                again.append(rows)
            else:
                found.add(some, Hits.of(*ends, some.stop - some.start, m))
        return block.rows, found, again

    def _of(self, rows: slice) -> Array:
        """The radii of these rows: (rows, 1), or (1, M) as they are."""
        return self.radii if len(self.radii) == 1 else self.radii[rows]

    def _inside(self, pairs: Products, rows: slice, products: Rough) -> tuple[Indices, Indices] | None:
        """The pairs of these rows that are inside, (origin[e], target[e]); None where float32 leaves too much open.

        A squared distance is within its radius where what depends on the pair and on the right sample is not above
        what depends on the left one, so that the block is passed over once to add a row and once to compare.
        """
        radii, of_right, unit = self._of(rows), len(self.radii) == 1, pairs.unit
        slack = pairs.slack[rows] + 4 * UNIT * float(radii.max())
        level = -pairs.first[rows] if of_right else radii[:, 0] - pairs.first[rows]
        gaps = products + ((pairs.second - radii[0] if of_right else pairs.second) / unit).astype(np.float32)
        within = np.flatnonzero(gaps <= upward((level + slack) / unit)[:, None])
        origin, target = np.divmod(within, gaps.shape[1])
        sure = gaps.ravel()[within] < -upward((slack - level) / unit)[origin]
        start, stop = origin[~sure], target[~sure]
        if len(start) * CROWD > gaps.size:
            return None
        rims = np.broadcast_to(radii, gaps.shape)[start, stop]
        start = start + rows.start
        rims = rims + ROUNDING * (pairs.first[start] + pairs.right.lengths[stop])
        sure[~sure] = pairs.exact(start, stop) <= rims
        return origin[sure], target[sure]

    def _precisely(self, pairs: Products, rows: slice) -> tuple[Indices, Indices]:
        """The same, all in float64."""
        rims = ROUNDING * (pairs.first[rows, None] + pairs.right.lengths)
        rims += self._of(rows)
        origin, target = np.nonzero(pairs.precise(rows) <= rims)
        return origin, target

    def gathered(self, pairs: Products, found: list[tuple[slice, Hits, list[slice]]]) -> Hits:
        m = len(pairs.right)
        whole = Hits.none(len(pairs.left), m)
        for rows, some, _ in found:
            whole.add(rows, some)
        for rows in _joined([rows for *_, again in found for rows in again], m):
            whole.add(rows, Hits.of(*self._precisely(pairs, rows), rows.stop - rows.start, m))
        return whole


def hits(pairs: Products, radii: Array) -> Hits:
    """Which samples of two clouds have a pair within squared radii, (N, 1) or (1, M), rim included."""
    (found,) = pairs.visit(Inside(radii))
    assert isinstance(found, Hits)
    return found


def _joined(parts: list[slice], width: int) -> list[slice]:
    """The parts, in order, neighbours as one of at most BLOCK numbers."""
    found: list[slice] = []
    for part in parts:
        if found and found[-1].stop == part.start and (part.stop - found[-1].start) * width <= _products.BLOCK:
            part = slice(found.pop().start, part.stop)
        found.append(part)
    return found
