"""Mixtures of Gaussians on the line, with integrals by the trapezoidal rule, float64."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, pi

import torch
from torch import Tensor

STEP = 0.005
GRID = torch.arange(-12, 12 + STEP / 2, STEP, dtype=torch.float64)
"""Where densities are integrated; for densities that have vanished at its ends the error is about that of rounding."""


@dataclass(frozen=True)
class Mixture:
    """Gaussians, each a share, a mean and a standard deviation."""

    parts: Sequence[tuple[float, float, float]]

    def log_density(self, x: Tensor = GRID) -> Tensor:
        terms = [
            log(share) - log(std) - 0.5 * log(2 * pi) - 0.5 * ((x - mean) / std).square()
            for share, mean, std in self.parts
        ]
        return torch.logsumexp(torch.stack(terms), 0)

    def density(self, x: Tensor = GRID) -> Tensor:
        return self.log_density(x).exp()

    def quantiles(self, n: int) -> Tensor:
        """n equally likely points (n, 1) in order: a sample without chance."""
        cumulative = torch.cumsum(self.density() * STEP, 0) - 0.5 * self.density() * STEP
        level = (torch.arange(n, dtype=torch.float64) + 0.5) / n
        right = torch.searchsorted(cumulative, level)
        below, above = cumulative[right - 1], cumulative[right]
        return (GRID[right - 1] + STEP * (level - below) / (above - below))[:, None]


def gaussian(mean: float, std: float = 1.0) -> Mixture:
    return Mixture([(1.0, mean, std)])


def integral(values: Tensor) -> float:
    """Of values on GRID."""
    return float(torch.trapezoid(values, dx=STEP))


def jsd(p: Mixture, q: Mixture) -> float:
    """The Jensen-Shannon divergence in nats: the mean of the KL divergences of p and q from their mixture."""
    middle = torch.logaddexp(p.log_density(), q.log_density()) - log(2)
    sides = [integral(one.density() * (one.log_density() - middle)) for one in (p, q)]
    return sum(sides) / 2
