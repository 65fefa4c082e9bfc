"""Log-likelihood of real samples under a Parzen window of generated ones (Breuleux et al. 2010, tech. report
1345, Université de Montréal; Goodfellow et al. 2014, arXiv 1406.2661, section 5): a historical metric.

It is here to compare with tables of 2010 to 2015 and for nothing else. In many dimensions it is far from the
likelihood even with very many samples, and it ranks k-means above the data itself (Theis et al. 2016, arXiv
1511.01844, on Parzen window estimates).

    log p(x) = log (1/N) sum_i (2 pi h^2)^(-d/2) exp(-|x - g_i|^2 / (2 h^2))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ganpipe.metrics._cloud import Cloud
from ganpipe.metrics._products import ALL, Products
from ganpipe.metrics._threads import CACHE, blocks, each

Array = NDArray[np.float64]

BANDWIDTHS = tuple(np.logspace(-1.0, 0.0, 10).tolist())
"""For pixels in [0, 1], what Goodfellow's code tries; `evaluate.windows` says what the pipeline tries."""

LEAST = -700.0
"""The nearest sample adds exp(0) to a sum: below this nothing is added, and numbers near 0 take ten times as long."""


@dataclass(frozen=True)
class Parzen:
    """mean: nats per sample, of a density in the units of the samples to the power -d. error: its standard
    error over test samples. bandwidth: the one chosen.

    on_edge: it is the least or the largest of those tried, so that another might be better.
    """

    mean: float
    error: float
    bandwidth: float
    on_edge: bool


def log_density(samples: ArrayLike, *, generated: ArrayLike, bandwidths: Sequence[float]) -> Array:
    """log p (B, M) of samples (M, d) under windows around generated ones (N, d), in nats, per bandwidth h.

    Raises ValueError for wrong shapes, no sample, values that are not finite, no bandwidth or one that is not
    above 0.
    """
    if not len(bandwidths) or not all(0.0 < h < np.inf for h in bandwidths):
        raise ValueError(f"bandwidths is {list(bandwidths)}: it should hold numbers above 0.")
    pairs = Products.of(Cloud.of(samples, name="samples"), Cloud.of(generated, name="generated"))
    n, d = pairs.right.features.shape
    found = np.empty((len(bandwidths), len(pairs.left)))
    right = pairs.right.offsets(ALL)
    for part in pairs.blocks():
        squares = pairs.precise(part, right=right)
        nearest = squares.min(axis=1)
        squares -= nearest[:, None]

        def tails(some: slice, squares: Array = squares) -> Array:
            return np.stack([_tail(squares[some], h) for h in bandwidths])

        above = np.concatenate(each(tails, blocks(len(squares), n, CACHE)), axis=1)
        for index, h in enumerate(bandwidths):
            scale = np.log(n) + d * np.log(h * np.sqrt(2.0 * np.pi))
            found[index, part] = above[index] - nearest / (2.0 * h * h) - scale
    return found


def _tail(squares: Array, h: float) -> Array:
    """log sum exp (n,) of squared distances (n, N) above the nearest one, under windows of h."""
    exponents = squares / (-2.0 * h * h)
    return np.asarray(np.log(np.exp(np.maximum(exponents, LEAST, out=exponents), out=exponents).sum(axis=1)))


def parzen(
    *, generated: ArrayLike, validation: ArrayLike, test: ArrayLike, bandwidths: Sequence[float] = BANDWIDTHS
) -> Parzen:
    """Mean log-likelihood of test samples (M, d) under generated ones (N, d).

    The bandwidth is the one that is best for the validation samples (K, d), which are real and none of the
    test samples. Raises ValueError as `log_density` does, and for fewer than 2 test samples.
    """
    tried = log_density(validation, generated=generated, bandwidths=bandwidths).mean(axis=1)
    best = int(tried.argmax())
    values = log_density(test, generated=generated, bandwidths=[bandwidths[best]])[0]
    if len(values) < 2:
        raise ValueError(f"test has {len(values)} samples: at least 2 are needed.")
    error = float(values.std(ddof=1) / np.sqrt(len(values)))
    chosen = bandwidths[best]
    return Parzen(float(values.mean()), error, float(chosen), chosen in (min(bandwidths), max(bandwidths)))
