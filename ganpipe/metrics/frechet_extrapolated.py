"""Fréchet distance for infinitely many generated samples (Chong and Forsyth 2020, arXiv 1911.07023).

The Fréchet distance of N samples is too large by about c / N, and c depends on the generator, so that even the
order of two generators can be an effect of N. Over several N it is nearly a line in 1 / N, whose intercept is
the distance without that bias. The real side is fixed: what its own number of samples adds remains, and is the
same for every generator.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from ganpipe.metrics import Inputs, Metric, MetricSpec, MetricValue, Values
from ganpipe.metrics._samples import as_matrix
from ganpipe.metrics.frechet import Moments, frechet
from ganpipe.parts import LARGEST, Frozen


@dataclass(frozen=True)
class Extrapolated:
    """distance: the intercept, which may be a little below 0. slope: c, by which N samples are off, over N.

    error: the standard error of the intercept by the scatter about the line; the subsets share samples, so it
    is too small rather than too large. sizes (P,), distances (P,): the points of the line.
    """

    distance: float
    slope: float
    error: float
    sizes: NDArray[np.int64]
    distances: NDArray[np.float64]


def frechet_extrapolated(
    *, generated: Any, real: Moments, smallest: int, points: int = 15, rng: np.random.Generator
) -> Extrapolated:
    """Extrapolate over `points` numbers of features from `smallest` to all N of them (N, d), evenly spaced.

    Each number takes a random subset of its own. The paper has 15 points from 5,000 to 50,000; `smallest` should
    be well above d. Raises ValueError for a wrong shape, values that are not finite, fewer than 3 points, or a
    `smallest` that is below 2 or leaves no room for the points.
    """
    if points < 3:
        raise ValueError(f"points is {points}: at least 3 are needed for a line and its error.")
    samples = as_matrix("generated", generated, min_samples=2)
    if not 2 <= smallest <= len(samples) - points:
        raise ValueError(f"smallest is {smallest}: it should be from 2 to {len(samples) - points}.")
    sizes = np.linspace(smallest, len(samples), points).astype(np.int64)
    orders = (torch.from_numpy(rng.permutation(len(samples))[:size]).to(samples.device) for size in sizes)
    return line(sizes, [frechet(Moments.of(samples[order], "generated"), real) for order in orders])


def line(sizes: ArrayLike, distances: ArrayLike) -> Extrapolated:
    """The least-squares line of distances (P,) over 1 / sizes (P,). Raises ValueError where P is below 3."""
    counts, values = np.asarray(sizes, dtype=np.int64), np.asarray(distances, dtype=np.float64)
    if counts.shape != values.shape or counts.ndim != 1 or len(np.unique(counts)) < 3 or counts.min() < 1:
        raise ValueError(f"A line needs distances at 3 sizes above 0: {values.shape} at {counts.shape} were given.")
    inverse = 1.0 / counts
    centred = inverse - inverse.mean()
    slope = float(centred @ values / (centred @ centred))
    intercept = float(values.mean() - slope * inverse.mean())
    residuals = values - intercept - slope * inverse
    variance = residuals @ residuals / (len(values) - 2)
    error = float(np.sqrt(variance * (1.0 / len(values) + inverse.mean() ** 2 / (centred @ centred))))
    return Extrapolated(intercept, slope, error, counts, values)


class Params(Frozen):
    """fid_infinity_points: numbers of samples on the line to infinitely many."""

    fid_infinity_points: Annotated[int, Field(ge=3, le=LARGEST)]


class FrechetExtrapolatedMetric(Metric):
    kinds = ("features",)
    order = 30
    parameters = Params

    def specs(self, inputs: Inputs) -> list[MetricSpec]:
        return [MetricSpec("frechet_infinite", "Fréchet distance at infinitely many samples", "lower")]

    def measure(self, generated: Any, inputs: Inputs) -> Values:
        """No value where half of the samples are fewer than twice the features: the line is bent there."""
        (count, d), points = generated.shape, inputs.params.fid_infinity_points
        if count // 2 < 2 * d:
            note = f"{count} samples of {d} features are fewer than 4 a feature"
        elif count // 2 > count - points:
            note = f"{points} numbers of samples take {2 * points - 1} samples or more"
        else:
            found = frechet_extrapolated(
                generated=generated,
                real=Moments(inputs.stats["mean"], inputs.stats["root"]),
                smallest=count // 2,
                points=points,
                rng=inputs.random("extrapolation"),
            )
            return {"frechet_infinite": MetricValue(found.distance, found.error)}
        return {"frechet_infinite": MetricValue(None, note=note)}
