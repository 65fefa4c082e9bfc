"""Which samples lie in balls around others, from rough products."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ganpipe.metrics import _products
from ganpipe.metrics._products import ALL, CROWD, ROUNDING, UNIT, Block, Indices, Products, Rough, Tile, Visitor, upward

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

    def add(self, rows: slice, columns: slice, some: Hits) -> None:
        """Those among some of the left samples and some of the right ones."""
        self.left[rows] |= some.left
        self.right[columns] |= some.right
        self.count += some.count


@dataclass(frozen=True)
class Inside(Visitor):
    """A visitor of two clouds that finds the pairs within squared radii, (N, 1) or (1, M), rim included: Hits."""

    radii: Array

    def look(self, block: Block) -> tuple[Tile, Hits, list[Tile]]:
        """The block, what is in it, and those parts of it that are left out, as too much is open."""
        assert not block.alone  # each pair would be there once
        (n, m), again = block.products.shape, []
        found = Hits.none(n, m)
        for some in block.looks():
            tile = slice(block.rows.start + some.start, block.rows.start + some.stop), block.columns
            gaps = block.memory.like("part", block.products[some])
            ends = self._inside(block.pairs, tile, block.products[some], gaps)
            if ends is None:
                again.append(tile)
            else:
                found.add(some, ALL, Hits.of(*ends, some.stop - some.start, m))
        return (block.rows, block.columns), found, again

    def _of(self, tile: Tile) -> Array:
        """The radii there: (rows, 1) or (1, columns)."""
        rows, columns = (part if count > 1 else ALL for part, count in zip(tile, self.radii.shape, strict=True))
        return self.radii[rows, columns]

    def _inside(self, pairs: Products, tile: Tile, products: Rough, gaps: Rough) -> tuple[Indices, Indices] | None:
        """The pairs there that are inside, (origin[e], target[e]); None where float32 leaves too much open.

        A squared distance is within its radius where what depends on the pair and on the right sample is not above
        what depends on the left one, so that the block is passed over once to add a row, into `gaps`, and once
        to compare.
        """
        (rows, columns), radii, of_right, unit = tile, self._of(tile), len(self.radii) == 1, pairs.unit
        slack = pairs.slack[rows] + 4 * UNIT * float(radii.max())
        level = -pairs.first[rows] if of_right else radii[:, 0] - pairs.first[rows]
        second = pairs.second[columns]
        np.add(products, ((second - radii[0] if of_right else second) / unit).astype(np.float32), out=gaps)
        within = np.flatnonzero(gaps <= upward((level + slack) / unit)[:, None])
        origin, target = np.divmod(within, gaps.shape[1])
        sure = gaps.ravel()[within] < -upward((slack - level) / unit)[origin]
        start, stop = origin[~sure], target[~sure]
        if len(start) * CROWD > gaps.size:
            return None
        rims = np.broadcast_to(radii, gaps.shape)[start, stop]
        start, stop = start + rows.start, stop + columns.start
        rims = rims + ROUNDING * (pairs.first[start] + pairs.right.lengths[stop])
        sure[~sure] = pairs.exact(start, stop) <= rims
        return origin[sure], target[sure]

    def _precisely(self, pairs: Products, tile: Tile) -> tuple[Indices, Indices]:
        """The same, all in float64."""
        rows, columns = tile
        rims = ROUNDING * (pairs.first[rows, None] + pairs.right.lengths[columns])
        rims += self._of(tile)
        origin, target = np.nonzero(pairs.precise(rows, columns) <= rims)
        return origin, target

    def sifted(
        self, pairs: Products, found: list[tuple[Tile, Hits, list[Tile]]]
    ) -> list[tuple[Tile, Hits, list[Tile]]]:
        whole = Hits.none(len(pairs.left), len(pairs.right))
        for tile, some, _ in found:
            whole.add(*tile, some)
        return [((ALL, ALL), whole, [tile for *_, again in found for tile in again])]

    def gathered(self, pairs: Products, found: list[tuple[Tile, Hits, list[Tile]]]) -> Hits:
        ((_, whole, again),) = self.sifted(pairs, found)
        for rows, columns in _joined(sorted(again, key=lambda tile: (tile[1].start, tile[0].start))):
            ends = self._precisely(pairs, (rows, columns))
            whole.add(rows, columns, Hits.of(*ends, rows.stop - rows.start, columns.stop - columns.start))
        return whole


def hits(pairs: Products, radii: Array) -> Hits:
    """Which samples of two clouds have a pair within squared radii, (N, 1) or (1, M), rim included."""
    (found,) = pairs.visit(Inside(radii))
    assert isinstance(found, Hits)
    return found


def _joined(tiles: list[Tile]) -> list[Tile]:
    """The tiles, in order, neighbours in the same columns as one of at most BLOCK numbers."""
    found: list[Tile] = []
    for rows, columns in tiles:
        if found and found[-1][1] == columns and found[-1][0].stop == rows.start:
            start = found[-1][0].start
            if (rows.stop - start) * (columns.stop - columns.start) <= _products.BLOCK:
                found.pop()
                rows = slice(start, rows.stop)
        found.append((rows, columns))
    return found
