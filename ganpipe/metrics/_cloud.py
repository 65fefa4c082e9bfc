"""Features about their own mean, also in float32: there their products lose the least."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ganpipe.metrics._samples import plain
from ganpipe.metrics._threads import CACHE, blocks, each, spread

Array = NDArray[np.float64]
Rough = NDArray[np.float32]


@dataclass(frozen=True)
class Cloud:
    """Features (N, d), float32 or float64, and their mean (d,). lengths (N,): squared, about the mean. along (N,): the
    offsets times the mean.

    rough (N, d): about the mean, over the power of two `scale`, so that none is longer than 1. largest: the absolute
    value that no feature exceeds.
    """

    features: NDArray[np.floating]
    mean: Array
    lengths: Array
    along: Array
    rough: Rough
    scale: float
    largest: float

    @classmethod
    def of(cls, features: ArrayLike, *, name: str = "features", at_least: int = 1) -> Cloud:
        """Raises ValueError for a wrong shape, fewer than `at_least` samples or values that are not finite."""
        array = plain(name, features, at_least)
        mean, low, high = spread(name, array)
        lengths, along = np.empty(len(array)), np.empty(len(array))
        rough = np.empty(array.shape, dtype=np.float32)
        scale = power_of_two(float(np.linalg.norm(np.maximum(high - mean, mean - low))))

        def about(part: slice) -> None:
            offsets = array[part] - mean
            lengths[part] = squared(offsets)
            with np.errstate(over="ignore", invalid="ignore"):  # a mean may be far larger than the offsets
                along[part] = offsets @ mean
            np.divide(offsets, scale, out=rough[part], casting="same_kind")

        each(about, blocks(len(array), array.shape[1], CACHE))
        return cls(array, mean, lengths, along, rough, scale, float(max(high.max(), -low.min())))

    def __len__(self) -> int:
        return len(self.features)

    def offsets(self, chosen: slice | NDArray[np.intp]) -> Array:
        """The chosen features about the mean, in float64."""
        return np.asarray(self.features[chosen] - self.mean)


def squared(offsets: Array) -> Array:
    """The squared lengths (N,) of offsets (N, d)."""
    return np.asarray(np.einsum("nd,nd->n", offsets, offsets))


def power_of_two(value: float) -> float:
    """The least power of two above `value`, 1 for 0: dividing by it loses nothing."""
    return float(np.ldexp(1.0, np.frexp(value)[1])) if value > 0.0 else 1.0
