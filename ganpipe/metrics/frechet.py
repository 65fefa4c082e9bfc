"""Fréchet distance of two sets of features (Heusel et al. 2017, arXiv 1706.08500, equation 6).

Between Gaussians it is the squared 2-Wasserstein distance (Dowson and Landau 1982):

    |m1 - m2|^2 + Tr(C1 + C2 - 2 (C1 C2)^(1/2))

It is biased upward for few samples: a distance says little without its numbers of samples. All of it is float64: the
square roots turn a relative error of 1e-7 in a small eigenvalue into one of 3e-4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from ganpipe.metrics import Inputs, Metric, MetricSpec, Values
from ganpipe.metrics._samples import as_matrix, same_width

NEGATIVE = 1e-8
"""How far below zero an eigenvalue of a covariance may be, over the largest: rounding, not a mistake."""

CONDITION = 1e-3
"""From which ratio of the least to the largest diagonal element on a Cholesky root is taken."""

RELATIVE = 1e-8
"""The error that the faster way may have, over the distance."""


@dataclass(frozen=True)
class Moments:
    """Mean (d,) and covariance of features, the covariance as `root` (r, d), r <= d, with root^T root = covariance.

    Where the covariance is nearly singular, as with fewer samples than features, the root is taken from the samples
    themselves: forming the covariance and rooting it again would turn rounding errors of 1e-16 into 1e-8.
    """

    mean: Tensor
    root: Tensor

    @classmethod
    def of(cls, features: Any, name: str = "features") -> Moments:
        """Moments of features (N, d), the covariance with N - 1. `name` is what an error calls them.

        Raises ValueError for a wrong shape, fewer than 2 samples or values that are not finite.
        """
        samples = as_matrix(name, features, min_samples=2).double()
        mean = samples.mean(0)
        return cls(mean, _root(samples - mean) / (len(samples) - 1) ** 0.5)

    @classmethod
    def exact(cls, mean: Any, covariance: Any) -> Moments:
        """Known moments (d,) and (d, d). Raises ValueError where the covariance is none."""
        matrix = as_matrix("covariance", covariance).double()
        center = torch.as_tensor(mean, dtype=torch.float64)
        if matrix.shape != (center.numel(), center.numel()) or not torch.allclose(matrix, matrix.T):
            raise ValueError(f"covariance should be symmetric with the shape {(center.numel(), center.numel())}.")
        values, vectors = torch.linalg.eigh(matrix)
        if values[0] < -NEGATIVE * values[-1].clamp(min=0.0):
            raise ValueError(f"covariance has the negative eigenvalue {values[0]:.3g}: it is no covariance.")
        return cls(center, values.clamp(min=0.0).sqrt()[:, None] * vectors.T)


def _root(offsets: Tensor) -> Tensor:
    """R (r, d) with R^T R = X^T X for X (N, d): by Cholesky where that keeps the digits, else by QR, which takes twice
    as long."""
    n, d = offsets.shape
    if n > d:
        lower = offsets.new_zeros(d, d)
        for i in range(0, d, 256):  # half of the products, as they are symmetric
            lower[i:, i : i + 256] = offsets[:, i:].T @ offsets[:, i : i + 256]
        factor, failed = torch.linalg.cholesky_ex(lower)
        diagonal = factor.diagonal()
        if not failed and bool(diagonal.min() > CONDITION * diagonal.max()):
            upper: Tensor = factor.T
            return upper
    root: Tensor = torch.linalg.qr(offsets, mode="r").R
    return root


def frechet(generated: Moments, real: Moments) -> float:
    """Fréchet distance between moments of the same d: in squared units of the features, never negative.

    The eigenvalues of C1 C2 are the squares of the singular values s of R1 R2^T, so Tr (C1 C2)^(1/2) is their sum. The
    sum of roots of the eigenvalues of R1 R2^T R2 R1^T is taken where the bound on its error is small beside the
    distance. Else, with U s V^T = R1 R2^T and the rotation Q = U V^T that brings R2 nearest to R1,

        |R1 - Q R2|_F^2 = Tr C1 + Tr C2 - 2 sum(s)

    is a sum of squares, without the cancellation of the right-hand side between nearly equal distributions. Raises
    ValueError where d differs.
    """
    same_width(generated.root, real.root)
    shift = float((generated.mean - real.mean).square().sum())
    height = max(len(generated.root), len(real.root))
    one, other = (pad(side.root, (0, 0, 0, height - len(side.root))) for side in (generated, real))
    product = one @ other.T
    squares = torch.linalg.eigvalsh(product @ product.T).clamp(min=0.0)
    roots, eps = squares.sqrt(), torch.finfo(torch.float64).eps
    # each eigenvalue is known to rounding over the largest, its root to that over twice the root, at most its root
    sure = len(squares) ** 0.5 * eps * squares[-1]
    traces = float(one.square().sum() + other.square().sum())
    error = 2.0 * float((sure / (roots + sure.sqrt()).clamp(min=1e-300)).sum()) + 64 * eps * traces
    distance = shift + traces - 2.0 * float(roots.sum())
    if error <= RELATIVE * distance:
        return distance
    left, _, right = torch.linalg.svd(product.cpu())  # on a GPU it is slower and less exact
    rest = one.cpu() - (left @ right) @ other.cpu()
    return shift + float(rest.square().sum())


def frechet_distance(*, generated: Any, real: Any) -> float:
    """Fréchet distance of features (N, d) and (M, d), with the errors of `Moments.of` and `frechet`."""
    return frechet(Moments.of(generated, "generated"), Moments.of(real, "real"))


class FrechetMetric(Metric):
    kinds = ("features",)
    order = 10

    def specs(self, inputs: Inputs) -> list[MetricSpec]:
        return [MetricSpec("frechet", "Fréchet distance", "lower", in_main_table=True, quick=True)]

    def min_samples(self, params: Any) -> tuple[int, str]:
        return 2, ""

    def prepare(self, inputs: Inputs) -> dict[str, Tensor]:
        moments = Moments.of(inputs.real, "real")
        return {"mean": moments.mean, "root": moments.root}

    def measure(self, generated: Any, inputs: Inputs) -> Values:
        real = Moments(inputs.stats["mean"], inputs.stats["root"])
        return {"frechet": frechet(Moments.of(generated, "generated"), real)}
