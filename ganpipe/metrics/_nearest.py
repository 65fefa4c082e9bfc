"""Distances to the k-th nearest sample, from rough products: of nearly all pairs it is enough to know that they are in
a group of which none is near.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ganpipe.metrics._products import ALL, CROWD, Block, Indices, Products, Rough, Visitor, blocks, looks, upward
from ganpipe.metrics._threads import each

Array = NDArray[np.float64]

GROUP = 32
"""Distances in a group at most."""

FEW = 8
"""So many groups for each neighbour at least, and so many pairs too many a row are no crowd."""


def nearest(pairs: Products, neighbours: int) -> Array:
    """Squared distance (N,) of every left sample to its k-th nearest right one, k = `neighbours`.

    Where both sides are the same cloud, a sample is no neighbour of itself; another one at the same place is.
    """
    (found,) = pairs.visit(Nearest(neighbours))
    return np.asarray(found)


@dataclass(frozen=True)
class _Near:
    """What a look found: pairs (origin[e], target[e]) with their rough squared distances, over `unit` and less what the
    origin has in common. rows: those looked at, limit (rows,): all pairs up to there are among the found ones.
    crowded (rows,): which have too many, and none of them here."""

    rows: slice
    limit: Rough
    crowded: NDArray[np.bool_]
    origin: NDArray[np.int32]
    target: NDArray[np.int32]
    values: Rough


@dataclass(frozen=True)
class Nearest(Visitor):
    """A visitor that makes of all blocks what `nearest` gives.

    Of a cloud with itself a block is looked at from both sides, as each pair is there once.
    """

    neighbours: int

    def look(self, block: Block) -> list[_Near]:
        found = self._from(block, block.products, block.rows, block.columns, block.own > 0)
        mirrored = block.products[:, block.own :].T
        if block.alone and len(mirrored):
            others = slice(block.columns.start + block.own, block.columns.stop)
            found += self._from(block, mirrored, others, block.rows, False)
        return found

    def _from(self, block: Block, products: Rough, rows: slice, columns: slice, own: bool) -> list[_Near]:
        """The products (rows, columns) seen from the rows. own: the first columns are the rows themselves."""
        (n, width), pairs = products.shape, block.pairs
        far = (pairs.second[columns] / pairs.unit).astype(np.float32)
        found = []
        for some in looks(n, width):
            squares = np.add(products[some], far, out=block.memory.like("part", products[some]))
            here = slice(rows.start + some.start, rows.start + some.stop)
            if own:
                places = np.arange(some.start, some.stop)
                squares[places - some.start, places] = np.inf
            limit = np.full(len(squares), np.finfo(np.float32).max)
            size = min(GROUP, width // (FEW * self.neighbours)) or 1
            groups = _grouped(squares, size)
            if width - own >= self.neighbours:
                least = np.concatenate([least for _, least in groups], axis=1)
                kth = np.partition(least, self.neighbours - 1, axis=1)[:, self.neighbours - 1]
                limit = upward(kth + upward(2.0 * pairs.slack[here] / pairs.unit))
            origin, target, values = _below(groups, limit)
            crowded = self._crowded(origin, len(squares), width)
            keep = ~crowded[origin]
            start, first = here.start, columns.start
            left, right = (origin[keep] + start).astype(np.int32), (target[keep] + first).astype(np.int32)
            found.append(_Near(here, limit, crowded, left, right, values[keep]))
        return found

    def _crowded(self, origin: Indices, count: int, width: int) -> NDArray[np.bool_]:
        """Which of so many rows have too many pairs left, where it is too many for all of them together."""
        pairs, limit = np.bincount(origin, minlength=count), self.neighbours + max(width // CROWD, FEW)
        return np.asarray((pairs > 2 * limit) & (len(origin) > limit * count))

    def sifted(self, pairs: Products, found: list[list[_Near]]) -> list[list[_Near]]:
        n = len(pairs.left)
        limit, crowded = np.full(n, np.inf, dtype=np.float32), np.zeros(n, dtype=np.bool_)
        looked = [some for several in found for some in several]
        for some in looked:
            np.minimum(limit[some.rows], some.limit, out=limit[some.rows])
            crowded[some.rows] |= some.crowded
        values = np.concatenate([some.values for some in looked])
        origin, target = (np.concatenate([getattr(some, end) for some in looked]) for end in ("origin", "target"))
        keep = (values <= limit[origin]) & ~crowded[origin]
        return [[_Near(slice(0, n), limit, crowded, origin[keep], target[keep], values[keep])]]

    def gathered(self, pairs: Products, found: list[list[_Near]]) -> Array:
        n, k = len(pairs.left), self.neighbours
        ((all_of,),) = self.sifted(pairs, found)
        origin, target, values, crowded = all_of.origin, all_of.target, all_of.values, all_of.crowded
        order = np.lexsort((values, origin))
        origin, target, values = origin[order], target[order], values[order]
        # what is not near the wanted one is surely on its side of it
        clear = np.flatnonzero(~crowded)
        middle = np.empty(n, dtype=np.float32)
        middle[clear] = values[np.searchsorted(origin, clear) + k - 1]
        margin = upward(2.0 * pairs.slack / pairs.unit)[origin]
        gaps = values - middle[origin]
        near = np.abs(gaps) <= margin
        before = np.bincount(origin[gaps < -margin], minlength=n)
        origin, target = origin[near], target[near]
        crowded |= self._crowded(origin, n, len(pairs.right))
        clear, keep = np.flatnonzero(~crowded), ~crowded[origin]
        origin, target = origin[keep], target[keep]
        parts = looks(len(origin), len(pairs.left.mean))
        exact = np.concatenate([*each(lambda part: pairs.exact(origin[part], target[part]), parts), np.empty(0)])
        order = np.lexsort((exact, origin))
        result = np.empty(n)
        result[clear] = exact[order[np.searchsorted(origin, clear) + k - 1 - before[clear]]]
        again = np.flatnonzero(crowded)
        right = pairs.right.offsets(ALL) if len(again) else None
        for part in blocks(len(again), len(pairs.right)):
            squares = pairs.precise(again[part], right=right)
            if pairs.left is pairs.right:
                squares[np.arange(len(squares)), again[part]] = np.inf
            result[again[part]] = np.partition(squares, k - 1, axis=1)[:, k - 1]
        return result


def _grouped(squares: Rough, size: int) -> list[tuple[Rough, Rough]]:
    """Squared distances (n, w) in groups of this size, each every so manieth column, and the columns that are left
    over, with the least of each group (n, groups)."""
    count = squares.shape[1] // size
    whole, rest = squares[:, : count * size], squares[:, count * size :]
    found = [(whole, whole.reshape(len(squares), size, count).min(axis=1))] if count else []
    return [*found, (rest, rest)] if rest.size else found


def _below(groups: Sequence[tuple[Rough, Rough]], limit: Rough) -> tuple[Indices, Indices, Rough]:
    """Which rows and columns are not above a limit (n,) for each row, and those distances, the rows in no order."""
    found: list[tuple[Indices, Indices, Rough]] = []
    start = 0
    for squares, least in groups:
        count = least.shape[1]
        row, group = np.divmod(np.flatnonzero(least <= limit[:, None]), count)  # np.nonzero takes several times as long
        values = squares.reshape(len(limit), -1, count)[row, :, group]
        within = np.flatnonzero(values <= limit[row, None])
        which, place = np.divmod(within, values.shape[1])
        found.append((row[which], start + group[which] + count * place, values.ravel()[within]))
        start += squares.shape[1]
    rows, columns, squared = zip(*found, strict=True)
    return np.concatenate(rows), np.concatenate(columns), np.concatenate(squared)
