"""Which samples lie in balls around others, from rough products."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ganpipe.metrics import _products
from ganpipe.metrics._products import CROWD, ROUNDING, UNIT, Block, Indices, Products, Rough, upward

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
        found = cls(np.zeros(left, np.bool_), np.zeros(right, np.bool_), len(origin))
        found.left[origin], found.right[target] = True, True
        return found

    def add(self, part: slice, some: Hits) -> None:
        """Those of a part of the left samples."""
        self.left[part] = some.left
        self.right |= some.right
        self.count += some.count


@dataclass(frozen=True)
class Inside:
    """A visitor of two clouds that finds the pairs within squared radii, (N, 1) or (1, M), rim included: Hits."""

    radii: Array

    def look(self, block: Block) -> list[tuple[slice, Hits | None]]:
        assert not block.alone  # each pair would be there once
        found = []
        for some in block.looks():
            rows = slice(block.rows.start + some.start, block.rows.start + some.stop)
            ends = self._inside(block.pairs, rows, block.products[some])
            found.append((rows, None if ends is None else Hits.of(*ends, *block.products[some].shape)))
        return found

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

    def gathered(self, pairs: Products, found: Sequence[list[tuple[slice, Hits | None]]]) -> Hits:
        n, m = len(pairs.left), len(pairs.right)
        whole, again = Hits(np.zeros(n, np.bool_), np.zeros(m, np.bool_)), []
        for rows, some in (look for looks in found for look in looks):
            if some is None:
                again.append(rows)
            else:
                whole.add(rows, some)
        for rows in _joined(again, m):
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
