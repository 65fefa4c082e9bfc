"""Kernels of pairs of samples, and the mean discrepancy that they measure."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def rational_quadratic(x: Tensor, y: Tensor, length: float, shapes: Sequence[float]) -> Tensor:
    """The mean over the shapes a of (1 + |x_i - y_j|^2 / (2 a length^2))^-a, samples (N, d) and (M, d) to (N, M).

    Binkowski et al. 2018 (arXiv 1801.01401), section 2; its tails reach far samples.
    """
    squares = squared_distances(x, y) / (2 * length**2)
    return torch.stack([(1 + squares / a) ** -a for a in shapes]).mean(0)


def squared_distances(x: Tensor, y: Tensor) -> Tensor:
    """|x_i - y_j|^2 of samples (N, d) and (M, d): (N, M). By differences: they are exact for near samples."""
    return torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist").square()


def mean_to_others(k: Tensor) -> Tensor:
    """The mean of each row of the kernel (N, N) of samples with themselves, without the diagonal: (N,)."""
    return (k.sum(1) - k.diagonal()) / (len(k) - 1)
