"""What every metric asks of its input, said once."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

NOT_FINITE = "has values that are not finite: leave such samples out."


def rows(name: str, values: ArrayLike, at_least: int = 1) -> NDArray[np.float64]:
    """The samples as float64 (N, d).

    Raises ValueError with one sentence that begins with `name` where the array has other than two axes or an
    empty one, fewer than `at_least` rows, or a value that is not finite.
    """
    array = np.asarray(plain(name, values, at_least), dtype=np.float64)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} {NOT_FINITE}")
    return array


def plain(name: str, values: ArrayLike, at_least: int = 1) -> NDArray[np.floating]:
    """The samples (N, d) as they are where that is float32 or float64, else as float64.

    Raises ValueError as `rows` does, but for values that are not finite, which nobody has looked for.
    """
    array = np.asarray(values)
    if array.dtype not in (np.float32, np.float64):
        array = np.asarray(values, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] == 0:
        raise ValueError(f"{name} should have the shape (samples, features), not {array.shape}.")
    if len(array) < at_least:
        raise ValueError(f"{name} has {len(array)} samples: at least {at_least} are needed.")
    return array


def same_width(generated: NDArray[np.floating], real: NDArray[np.floating]) -> None:
    """Raises ValueError where the samples (N, d) and (M, d) do not have the same d."""
    if generated.shape[1] != real.shape[1]:
        widths = f"generated has {generated.shape[1]} and real has {real.shape[1]}"
        raise ValueError(f"The number of features differs: {widths}.")
