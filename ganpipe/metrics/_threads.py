"""What costs time in the figures that compare every sample with every other, on all the threads there are: OpenBLAS's
products, as numpy and SciPy bring them, and numpy's passes over blocks. Whatever limits torch's threads limits both.
Torch is loaded by what needs it, so that importing a figure is cheap.
"""

from __future__ import annotations

import contextlib
import functools
import math
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from ganpipe.metrics._samples import NOT_FINITE

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

Array = NDArray[np.float64]
Numbers = TypeVar("Numbers", NDArray[np.float32], NDArray[np.float64])
Part = TypeVar("Part")
Found = TypeVar("Found")

CACHE = 2**17
"""Numbers that a thread has at once, and that stay in its part of the processor's cache."""

LIMIT = threading.RLock()

PAD = 8
"""So many rows of zeros keep columns whose length is a power of two from having the same places in the cache."""

CHUNK = 2**23
"""Numbers that are moved to their mean at once (64 MiB)."""


def each(work: Callable[[Part], Found], parts: Sequence[Part]) -> list[Found]:
    """What `work` makes of each part, in order. It may run in several threads at once, so a product within it, by `@`,
    has one thread, and it may call nothing else of this module that takes several."""
    return list(in_turn(work, parts))


def in_turn(work: Callable[[Part], Found], parts: Sequence[Part]) -> Iterator[Found]:
    """The same one after the other, while other threads go on with the next ones: what is done with one may not call
    anything of this module that takes several threads, either."""
    import torch

    workers = min(torch.get_num_threads(), len(parts))
    with _blas(1):
        if workers <= 1:
            yield from map(work, parts)
            return
        with ThreadPoolExecutor(workers) as pool:
            yield from pool.map(work, parts)


def product(left: Numbers, right: Numbers, out: Numbers | None = None) -> Numbers:
    """left (n, d) times right (m, d) transposed, (n, m), into `out` where it is given.

    OpenBLAS, as numpy brings it, is as fast as torch's MKL in float64; in float32 it is 1.7 times as fast on AMD's
    processors, where MKL takes a slow way.
    """
    with _as_many_as_torch():
        return np.matmul(left, right.T, out=out)


def gram(array: NDArray[np.floating], mean: Array) -> Array:
    """The offsets of an array (N, d) from a mean (d,), transposed, times themselves: (d, d), in Fortran's order, the
    upper half of it. By tiles, some for each thread, it is a little faster than BLAS's own on two."""
    import torch

    d = len(mean)
    total, cuts = np.zeros((d, d)), evenly(0, d, -(-d // math.ceil(2.0 * math.sqrt(torch.get_num_threads()))))
    tiles = [(low, high) for low in cuts for high in cuts if low.start > high.start] + [(cut, cut) for cut in cuts]
    for offsets in centred(array, mean):
        each(functools.partial(_add_tile, total, offsets), tiles)
    return total.T


def _add_tile(total: Array, offsets: Array, tile: tuple[slice, slice]) -> None:
    low, high = tile
    total[low, high] += offsets[:, low].T @ offsets[:, high]


def _as_many_as_torch() -> contextlib.AbstractContextManager[object]:
    """numpy's and SciPy's BLAS take as many threads as torch has."""
    import torch

    return _blas(torch.get_num_threads())


@contextlib.contextmanager
def _blas(threads: int) -> Iterator[None]:
    """The limit is the whole process's: whoever wants another one waits."""
    with LIMIT, _controller().limit(limits=threads, user_api="blas"):
        yield


@functools.cache
def _controller() -> ThreadpoolController:
    import scipy.linalg.blas  # noqa: F401, it finds what is loaded
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def centred(array: NDArray[np.floating], mean: Array) -> Iterator[Array]:
    """An array (N, d) less its mean (d,), some rows at a time, in memory that the next ones reuse."""
    parts = evenly(0, len(array), max(1, CHUNK // array.shape[1]))
    buffer = np.empty((max(part.stop - part.start for part in parts), array.shape[1]))
    for part in parts:
        yield _subtract(array[part], mean, buffer[: part.stop - part.start])


def _subtract(array: NDArray[np.floating], mean: Array, out: Array) -> Array:
    each(lambda rows: np.subtract(array[rows], mean, out=out[rows]), blocks(len(array), len(mean), CACHE))
    return out


def spread(name: str, array: NDArray[np.floating]) -> tuple[Array, Array, Array]:
    """Mean, least and largest value (d,) of the columns of an array (N, d), each in float64.

    Raises ValueError, which begins with `name`, for values that are not finite.
    """

    def summed(part: slice) -> tuple[Array, Array, Array]:
        some = array[part]
        with np.errstate(all="ignore"):  # what is not finite is said below
            return some.sum(axis=0, dtype=np.float64), some.min(axis=0), some.max(axis=0)

    sums, lows, highs = zip(*each(summed, blocks(len(array), array.shape[1], CACHE)), strict=True)
    low, high = (np.asarray(side, dtype=np.float64) for side in (np.min(lows, axis=0), np.max(highs, axis=0)))
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        raise ValueError(f"{name} {NOT_FINITE}")
    return np.sum(sums, axis=0) / len(array), low, high


def blocks(count: int, width: int, at_once: int) -> list[slice]:
    """Slices over `count` rows of `width` numbers: each holds at most so many numbers at once, or one row."""
    step = max(1, at_once // width)
    return [slice(start, min(start + step, count)) for start in range(0, count, step)]


def evenly(start: int, stop: int, most: int) -> list[slice]:
    """Slices from start to stop of nearly the same length, at most so long; none where there is nothing."""
    length, parts = stop - start, -(-(stop - start) // most)
    return [slice(start + length * part // parts, start + length * (part + 1) // parts) for part in range(parts)]


def cholesky(matrix: Array) -> Array | None:
    """The triangle R (d, d) with R^T R = the symmetric matrix, of which only the upper half is read, or None. It may
    be written over the matrix."""
    import scipy.linalg

    with _as_many_as_torch(), contextlib.suppress(np.linalg.LinAlgError):
        return np.asarray(scipy.linalg.cholesky(matrix, overwrite_a=True, check_finite=False))
    return None


def triangle(array: Array) -> Array:
    """R (k, d), k the lesser of N and d, of array (N, d) = Q R. numpy's threads get in each other's way here."""
    import torch

    return np.asarray(torch.linalg.qr(torch.from_numpy(array), mode="r").R)


def squared_singular_values(array: Array) -> Array:
    """The eigenvalues (n,) of array (n, d) times its transpose, from the least on, to rounding over the largest."""
    import scipy.linalg
    from scipy.linalg import blas

    n = len(array)
    padded = np.zeros((n + PAD, array.shape[1]), order="F")
    padded[:n] = array
    with _as_many_as_torch():
        matrix = blas.dsyrk(1.0, padded, lower=1)
        values = scipy.linalg.eigvalsh(matrix, overwrite_a=True, check_finite=False)
    return np.asarray(values[PAD:])  # none is below the zeros of the padding, but by rounding


def is_triangle(matrix: Array) -> bool:
    """Whether it is square with all zero below the diagonal."""
    from scipy.linalg import bandwidth

    return bool(matrix.shape[0] == matrix.shape[1] and bandwidth(matrix)[0] == 0)


def triangle_product(left: Array, right: Array) -> Array:
    """`product` of left (n, d) and an upper triangle (d, d), in half of the time, in Fortran's order."""
    from scipy.linalg import blas

    with _as_many_as_torch():
        return np.asarray(blas.dtrmm(1.0, right, left, side=1, lower=0, trans_a=1))
