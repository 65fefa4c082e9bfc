"""What every metric asks of its samples: the conversion at the boundary, and one sentence for what is wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor


def as_matrix(name: str, samples: Any, min_samples: int = 1) -> Tensor:
    """The samples as a tensor (N, d) where they are; float32 and float64 stay, anything else becomes float64.

    Raises ValueError with one sentence that begins with `name` for another shape, fewer than `min_samples` samples or
    values that are not finite.
    """
    tensor = samples if isinstance(samples, Tensor) else torch.as_tensor(np.ascontiguousarray(samples))
    if tensor.dtype not in (torch.float32, torch.float64):
        tensor = tensor.double()
    if tensor.ndim != 2 or tensor.shape[1] == 0:
        raise ValueError(f"{name} should have the shape (samples, features), not {tuple(tensor.shape)}.")
    if len(tensor) < min_samples:
        raise ValueError(f"{name} has {len(tensor)} samples: at least {min_samples} are needed.")
    if not all(bool(part.isfinite().all()) for part in torch.split(tensor, 4096)):
        raise ValueError(f"{name} has values that are not finite: leave such samples out.")
    return tensor


def as_pair(*, generated: Any, real: Any, min_samples: int = 1) -> tuple[Tensor, Tensor]:
    """Both sets as `as_matrix` makes them, on the device of the real ones. Raises ValueError where d differs, too."""
    one, other = as_matrix("generated", generated, min_samples), as_matrix("real", real, min_samples)
    same_width(one, other)
    return one.to(other.device), other


def rows(name: str, samples: ArrayLike, min_samples: int = 1) -> NDArray[np.float64]:
    """The samples as a float64 array (N, d), with the errors of `as_matrix`."""
    return as_matrix(name, np.asarray(samples, dtype=np.float64), min_samples).numpy()


def same_width(generated: Any, real: Any) -> None:
    """Raises ValueError where the samples (N, d) and (M, d) do not have the same d."""
    if generated.shape[1] != real.shape[1]:
        widths = f"generated has {generated.shape[1]} and real has {real.shape[1]}"
        raise ValueError(f"The number of features differs: {widths}.")
