"""A matrix of products as strips of whole rows, and of one cloud with itself only the half that is not the mirror
image of the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ganpipe.metrics._threads import product

Rough = NDArray[np.float32]


@dataclass(frozen=True)
class Strips:
    """parts: the rows of each array, none between them left out; `half`: an array begins at the column of its first
    row."""

    parts: tuple[slice, ...]
    arrays: tuple[Rough, ...]
    half: bool

    @classmethod
    def of(cls, left: Rough, right: Rough, parts: Sequence[slice]) -> Strips:
        """The products of these rows of left (N, d) with right (M, d); half of them where both are one array."""
        half = left is right
        arrays = (product(left[part], right[part.start if half else 0 :]) for part in parts)
        return cls(tuple(parts), tuple(arrays), half)

    def read(self, factor: np.float32, rows: slice, columns: slice) -> Rough:
        """A block times a factor, in an array of its own."""
        found = np.empty((rows.stop - rows.start, columns.stop - columns.start), dtype=np.float32)
        for index, part in enumerate(self.parts):
            top, bottom = max(rows.start, part.start), min(rows.stop, part.stop)
            if top < bottom:
                begin = part.start if self.half else 0
                first = min(max(columns.start, begin), columns.stop)
                block = self.arrays[index][top - part.start : bottom - part.start, first - begin : columns.stop - begin]
                np.multiply(block, factor, out=found[top - rows.start : bottom - rows.start, first - columns.start :])
                self._mirror(factor, slice(top, bottom), index, columns, found[top - rows.start : bottom - rows.start])
        return found

    def _mirror(self, factor: np.float32, rows: slice, before: int, columns: slice, found: Rough) -> None:
        """The columns that the strips before have as rows."""
        for part, array in zip(self.parts[:before], self.arrays, strict=False):
            first, end = max(columns.start, part.start), min(columns.stop, part.stop)
            if self.half and first < end:
                block = array[first - part.start : end - part.start, rows.start - part.start : rows.stop - part.start]
                np.multiply(block.T, factor, out=found[:, first - columns.start : end - columns.start])
