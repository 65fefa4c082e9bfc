"""What costs time in the figures that compare every sample with every other, on all the threads there are: torch's
products, and numpy's passes over blocks. Whatever limits torch's threads limits both. Torch is loaded by what needs
it, so that importing a figure is cheap.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from ganpipe.metrics._samples import NOT_FINITE

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController
    from torch import Tensor

Array = NDArray[np.float64]
Numbers = TypeVar("Numbers", NDArray[np.float32], NDArray[np.float64])
Found = TypeVar("Found")

CACHE = 2**17
"""Numbers that a thread has at once, and that stay in its part of the processor's cache."""

CHUNK = 2**22
"""Numbers that are moved to their mean at once (32 MiB)."""

FULL = ("none", "ieee")
"""torch's names for float32 products that are float32 throughout."""


def each(work: Callable[[slice], Found], parts: Sequence[slice]) -> list[Found]:
    """What `work` makes of each part, in order. It may run in several threads at once."""
    import torch

    workers = min(torch.get_num_threads(), len(parts))
    if workers <= 1:
        return [work(part) for part in parts]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(work, parts))


def product(left: Numbers, right: Numbers, out: Numbers | None = None, factor: float = 1.0) -> Numbers:
    """left (n, d) times right (m, d) transposed times a factor, (n, m), into `out` where it is given."""
    import torch

    found = np.empty((len(left), len(right)), dtype=left.dtype) if out is None else out
    if left.dtype == np.float32 and torch.backends.mkldnn.matmul.fp32_precision not in FULL:  # type: ignore[attr-defined]
        found[:] = left @ right.T  # someone wants speed, but the bounds are those of float32
        found *= factor
    else:
        into = torch.from_numpy(found)
        torch.addmm(into, tensor(left), tensor(right).T, beta=0, alpha=factor, out=into)  # what is there is not read
    return found


def gram(total: Array, array: Array) -> None:
    """Adds array (n, d) transposed times itself to the upper triangle of the total (d, d), in Fortran's order."""
    from scipy.linalg import blas

    assert total.flags.f_contiguous  # of any other the sum would go to a copy
    with _as_many_as_torch():
        blas.dsyrk(1.0, array.T, beta=1.0, c=total, overwrite_c=True)


def double(left: Array, right: Array) -> Array:
    """left (n, d) times right (m, d) transposed, where both are large: OpenBLAS is faster than torch's in float64."""
    with _as_many_as_torch():
        return np.asarray(left @ right.T)


@contextlib.contextmanager
def _as_many_as_torch() -> Iterator[None]:
    """numpy's and SciPy's BLAS take as many threads as torch has. For one thread at a time."""
    import torch

    with _controller().limit(limits=torch.get_num_threads(), user_api="blas"):
        yield


@functools.cache
def _controller() -> ThreadpoolController:
    import scipy.linalg.blas  # noqa: F401, it finds what is loaded
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def centred(array: NDArray[np.floating], mean: Array) -> Iterator[tuple[slice, Array]]:
    """The array (N, d) less its mean (d,), some rows at a time: which, and an array that the next ones reuse."""
    step = max(1, CHUNK // array.shape[1])
    buffer = np.empty((min(step, len(array)), array.shape[1]))
    for start in range(0, len(array), step):
        chunk = array[start : start + step]

        def subtract(part: slice, chunk: NDArray[np.floating] = chunk) -> None:
            np.subtract(chunk[part], mean, out=buffer[part])

        each(subtract, blocks(len(chunk), array.shape[1], CACHE))
        yield slice(start, start + len(chunk)), buffer[: len(chunk)]


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


def cholesky(matrix: Array) -> Array | None:
    """The triangle R (d, d) with R^T R = the symmetric matrix, of which only the upper half is read, or None."""
    import torch

    triangle, failed = torch.linalg.cholesky_ex(tensor(matrix), upper=True)
    return None if failed else np.asarray(triangle)


def triangle(array: Array) -> Array:
    """R (k, d), k the lesser of N and d, of array (N, d) = Q R. numpy's threads get in each other's way here."""
    import torch

    return np.asarray(torch.linalg.qr(tensor(array), mode="r").R)


def eigenvalues(matrix: Array) -> Array:
    """The eigenvalues (d,) of a symmetric matrix, of which only the upper half is read, from the least on."""
    import torch

    return np.asarray(torch.linalg.eigvalsh(tensor(matrix), UPLO="U"))


def tensor(array: NDArray[np.floating]) -> Tensor:
    """The same numbers, of an array that torch may not write to a copy."""
    import torch

    return torch.from_numpy(array if array.flags.writeable else array.copy())
