"""A matrix of products as strips of whole rows, and of one cloud with itself only the half that is not the mirror
image of the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ganpipe.metrics._threads import each

Rough = NDArray[np.float32]


@dataclass(frozen=True)
class Strips:
    """parts: the rows of each array, none between them left out; `half`: an array begins at the column of its first
    row."""

    parts: tuple[slice, ...]
    arrays: tuple[Rough, ...]
    half: bool

    @classmethod
    def of(cls, left: Rough, right: Rough, parts: Sequence[slice], factor: float, *, half: bool) -> Strips:
        """The products of these rows of left (N, d) with right (M, d), times a power of two. half: both are one."""

        def products(part: slice) -> Rough:
            return np.asarray((np.float32(factor) * left[part]) @ right[part.start if half else 0 :].T)

        return cls(tuple(parts), tuple(each(products, parts)), half)

    def combined(self, combine: np.ufunc, other: np.float32 | Rough, rows: slice, columns: slice) -> Rough:
        """A block combined with a number, or with a row (columns,), in an array of its own."""
        found = np.empty((rows.stop - rows.start, columns.stop - columns.start), dtype=np.float32)
        for block, into, across in self._tiles(found, rows, columns):
            combine(block, other[across] if isinstance(other, np.ndarray) else other, out=into)
        return found

    def _tiles(self, found: Rough, rows: slice, columns: slice) -> Iterator[tuple[Rough, Rough, slice]]:
        """What is kept of a block, where in `found` it belongs, and which of the columns it has."""
        for index, part in enumerate(self.parts):
            top, bottom = max(rows.start, part.start), min(rows.stop, part.stop)
            if top >= bottom:
                continue
            own = slice(top - part.start, bottom - part.start)
            into = found[top - rows.start : bottom - rows.start]
            begin = part.start if self.half else 0
            first = min(max(columns.start, begin), columns.stop)
            across = slice(first - columns.start, columns.stop - columns.start)
            yield self.arrays[index][own, first - begin : columns.stop - begin], into[:, across], across
            for before in range(index if self.half else 0):  # they have the columns on the left as rows
                other = self.parts[before]
                first, end = max(columns.start, other.start), min(columns.stop, other.stop)
                if first < end:
                    down = slice(first - other.start, end - other.start)
                    block = self.arrays[before][down, top - other.start : bottom - other.start]
                    across = slice(first - columns.start, end - columns.start)
                    yield block.T, into[:, across], across
