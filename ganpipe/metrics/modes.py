"""Modes of a known mixture of Gaussians that samples reach (Lin et al. 2018, arXiv 1712.04086, section 4.1).

Every sample belongs to its nearest mode. It is of high quality where its Mahalanobis distance to that mode is
below 3; an exact sampler in the plane reaches 1 - exp(-9/2) = 98.889 %. A mode counts as covered from one
sample of high quality on, so the number depends on how many samples were drawn. The histogram is over all
samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ganpipe.metrics import Inputs, Metric, MetricSpec, Values
from ganpipe.metrics._samples import rows, same_width

RADIUS = 3.0
"""Below this Mahalanobis distance a sample is of high quality."""


@dataclass(frozen=True)
class Modes:
    """covered: modes with at least one sample of high quality. high_quality: the share of such samples.

    shares (K,): samples by nearest mode, over all samples. reverse_kl: KL(shares | uniform) in nats, 0 to log
    K.
    """

    covered: int
    high_quality: float
    reverse_kl: float
    shares: NDArray[np.float64]


def modes(samples: ArrayLike, *, centres: ArrayLike, std: float) -> Modes:
    """Compare samples (N, d) with equally likely isotropic modes: centres (K, d), each with `std` per axis.

    Samples, centres and std are in the same units. Raises ValueError for wrong shapes, values that are not
    finite, no sample, no mode or a std that is not above 0.
    """
    if not std > 0.0:
        raise ValueError(f"std is {std}: it should be above 0.")
    points, means = rows("samples", samples), rows("centres", centres)
    same_width(points, means)
    squares = np.stack([np.sum((points - mean) ** 2, axis=1) for mean in means], axis=1)
    nearest = squares.argmin(axis=1)
    good = squares[np.arange(len(points)), nearest] < (RADIUS * std) ** 2
    shares = np.bincount(nearest, minlength=len(means)) / len(points)
    present = shares[shares > 0.0]
    return Modes(
        covered=int(np.unique(nearest[good]).size),
        high_quality=float(good.mean()),
        reverse_kl=max(0.0, float(np.sum(present * np.log(present * len(means))))),
        shares=shares,
    )


def leading_mode_changes(shares: Sequence[NDArray[np.float64]]) -> int:
    """How often another mode comes to hold more than half of the samples, from snapshot to snapshot: mode hopping.

    shares (K,): of each snapshot. Where no mode holds so many there is no leader, and the one before stays.
    """
    leaders = [int(one.argmax()) for one in shares if one.max() > 0.5]
    return sum(before != after for before, after in pairwise(leaders))


class ModesMetric(Metric):
    kinds = ("points",)
    order = 5

    def specs(self, inputs: Inputs) -> list[MetricSpec]:
        if inputs.data.modes is None or inputs.data.mode_std is None:
            return []
        label = f"Modes of {len(inputs.data.modes)} with a sample of high quality"
        high = "Share of samples of high quality (below 3 standard deviations)"
        kl = "Reverse KL divergence of the modes from uniform"
        return [
            MetricSpec("modes", label, "higher", in_main_table=True, quick=True),
            MetricSpec("high_quality", high, "higher", in_main_table=True, quick=True),
            MetricSpec("reverse_kl", kl, "lower", in_main_table=True, quick=True),
        ]

    def measure(self, generated: Any, inputs: Inputs) -> Values:
        centres, std = inputs.data.modes, inputs.data.mode_std
        assert centres is not None
        assert std is not None
        found = modes(generated, centres=centres, std=std)
        return {"modes": found.covered, "high_quality": found.high_quality, "reverse_kl": found.reverse_kl}
