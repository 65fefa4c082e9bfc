"""Sliced Wasserstein-1 distance: the mean over random directions of the distance on a line (Bonneel et al. 2015,
Journal of Mathematical Imaging and Vision 51, with p = 1; for images Deshpande et al. 2018, arXiv 1803.11188).

On a line the optimal plan keeps the order, so no linear programme is needed and thousands of images can be compared. In
d dimensions it is about sqrt(2 / (pi d)) of the whole distance for a mere shift, so distances of different d do not
compare. It is float64, as the difference of two sorted columns cancels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from ganpipe.metrics import Inputs, Metric, MetricSpec, MetricValue, Values, unit_pixels
from ganpipe.metrics._samples import as_pair
from ganpipe.parts import LARGEST, Frozen

Array = NDArray[np.float64]
BLOCK = 2**22
"""Projected numbers that are sorted at once."""


@dataclass(frozen=True)
class SlicedWasserstein:
    """distance: in the units of the samples, the mean of `each` (P,), one per direction.

    error: the standard error of that mean over directions, 0 for one direction.
    """

    distance: float
    error: float
    each: Array


def directions(d: int, count: int, rng: np.random.Generator) -> Array:
    """Unit vectors (d, count), uniform on the sphere. Raises ValueError for a count below 1."""
    if count < 1:
        raise ValueError(f"The number of directions is {count}: it should be at least 1.")
    drawn = rng.normal(size=(d, count))
    return np.asarray(drawn / np.linalg.norm(drawn, axis=0))


def sliced_wasserstein(*, generated: Any, real: Any, count: int, rng: np.random.Generator) -> SlicedWasserstein:
    """The distance of samples (N, d) to (M, d) along `count` random directions.

    Raises ValueError for wrong shapes, no sample, values that are not finite or a count below 1.
    """
    generated, real = as_pair(generated=generated, real=real)
    return sliced_along(directions(generated.shape[1], count, rng), generated=generated, real=real)


def sliced_along(along: Array, *, generated: Any, real: Any) -> SlicedWasserstein:
    """The same along given directions (d, P), with the errors of `sliced_wasserstein`."""
    generated, real = (side.double() for side in as_pair(generated=generated, real=real))
    if along.ndim != 2 or along.shape[0] != generated.shape[1] or along.shape[1] < 1:
        raise ValueError(f"The directions should have the shape ({generated.shape[1]}, count), not {along.shape}.")
    width = max(1, BLOCK // (len(generated) + len(real)))
    parts = torch.split(torch.from_numpy(along).to(real.device), width, dim=1)
    each = torch.cat([on_a_line((generated @ part).sort(0).values, (real @ part).sort(0).values) for part in parts])
    error = float(each.std() / len(each) ** 0.5) if len(each) > 1 else 0.0
    return SlicedWasserstein(float(each.mean()), error, each.cpu().numpy())


def on_a_line(first: Tensor, second: Tensor) -> Tensor:
    """W1 (P,) of columns in ascending order, (N, P) and (M, P): the area between the quantile functions."""
    n, m = len(first), len(second)
    if n == m:
        return (first - second).abs().mean(0)
    # both are constant between neighbouring multiples of 1 / N and 1 / M: whole numbers over N M
    edges = torch.from_numpy(np.union1d(np.arange(n + 1) * m, np.arange(m + 1) * n)).to(first.device)
    gaps = (first[edges[:-1] // m] - second[edges[:-1] // n]).abs()
    return (edges.diff().double() @ gaps).div(n * m)


class Params(Frozen):
    """sliced_wasserstein_projections: of the sliced Wasserstein distance."""

    sliced_wasserstein_projections: Annotated[int, Field(ge=2, le=LARGEST)]


class SlicedWassersteinMetric(Metric):
    kinds = ("images", "points")
    optional = ("images",)
    order = 70
    parameters = Params

    def specs(self, inputs: Inputs) -> list[MetricSpec]:
        of, points = ("", True) if inputs.kind == "points" else (" of pixels", False)
        label = f"Sliced Wasserstein-1 distance{of} ({inputs.params.sliced_wasserstein_projections} directions)"
        return [MetricSpec("sliced_wasserstein", label, "lower", quick=points)]

    def measure(self, generated: Any, inputs: Inputs) -> Values:
        generated, real = (
            unit_pixels(one, inputs.device) if inputs.kind == "images" else one for one in (generated, inputs.real)
        )
        count, rng = inputs.params.sliced_wasserstein_projections, inputs.random("directions")
        found = sliced_wasserstein(generated=generated, real=real, count=count, rng=rng)
        return {"sliced_wasserstein": MetricValue(found.distance, found.error)}
