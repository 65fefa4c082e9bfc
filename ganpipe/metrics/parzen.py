"""Log-likelihood of real samples under a Parzen window of generated ones (Breuleux et al. 2010, tech. report 1345,
Université de Montréal; Goodfellow et al. 2014, arXiv 1406.2661, section 5): a historical metric.

It is here to compare with tables of 2010 to 2015 and for nothing else. In many dimensions it is far from the likelihood
even with very many samples, and it ranks k-means above the data itself (Theis et al. 2016, arXiv 1511.01844, on Parzen
window estimates).

    log p(x) = log (1/N) sum_i (2 pi h^2)^(-d/2) exp(-|x - g_i|^2 / (2 h^2))

All of it is float64: a narrow window divides the error of a squared distance by 2 h^2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, model_validator

from ganpipe.metrics import Inputs, Metric, MetricSpec, MetricValue, Values, unit_pixels
from ganpipe.metrics._distances import SquaredDistances
from ganpipe.metrics._samples import as_matrix
from ganpipe.parts import LARGEST, Frozen, Positive, refuse

Array = NDArray[np.float64]

BANDWIDTHS = tuple(np.logspace(-1.0, 0.0, 10).tolist())
"""For pixels in [0, 1], what Goodfellow's code tries; `evaluate.parzen_bandwidths` says what the pipeline tries."""


@dataclass(frozen=True)
class Parzen:
    """mean: nats per sample, of a density in the units of the samples to the power -d. error: its standard error over
    test samples. bandwidth: the one chosen.

    on_edge: it is the least or the largest of those tried, so that another might be better.
    """

    mean: float
    error: float
    bandwidth: float
    on_edge: bool


def log_density(samples: Any, *, generated: Any, bandwidths: Sequence[float]) -> Array:
    """log p (B, M) of samples (M, d) under windows around generated ones (N, d), in nats, per bandwidth h.

    Raises ValueError for wrong shapes, no sample, values that are not finite, no bandwidth or one that is not above 0.
    """
    if not len(bandwidths) or not all(0.0 < h < np.inf for h in bandwidths):
        raise ValueError(f"bandwidths is {list(bandwidths)}: it should hold numbers above 0.")
    made = as_matrix("generated", generated)
    pairs = SquaredDistances(as_matrix("samples", samples).to(made.device), made, double=True)
    (n, d), parts = made.shape, []
    for rows in pairs.blocks():
        squares = pairs.rough(rows)[0].clamp_(min=0.0) * pairs.unit
        nearest = squares.amin(1)
        squares -= nearest[:, None]
        tails = [squares.mul(-0.5 / h**2).exp_().sum(1).log_() - nearest / (2.0 * h * h) for h in bandwidths]
        parts.append(torch.stack(tails))
    scale = np.log(n) + d * np.log(np.array(bandwidths) * np.sqrt(2.0 * np.pi))
    return np.asarray(torch.cat(parts, dim=1).cpu().numpy() - scale[:, None])


def parzen(*, generated: Any, validation: Any, test: Any, bandwidths: Sequence[float] = BANDWIDTHS) -> Parzen:
    """Mean log-likelihood of test samples (M, d) under generated ones (N, d).

    The bandwidth is the one that is best for the validation samples (K, d), which are real and none of the test
    samples. Raises ValueError as `log_density` does, and for fewer than 2 test samples.
    """
    tried = log_density(validation, generated=generated, bandwidths=bandwidths).mean(axis=1)
    best = int(tried.argmax())
    values = log_density(test, generated=generated, bandwidths=[bandwidths[best]])[0]
    if len(values) < 2:
        raise ValueError(f"test has {len(values)} samples: at least 2 are needed.")
    error = float(values.std(ddof=1) / np.sqrt(len(values)))
    chosen = bandwidths[best]
    return Parzen(float(values.mean()), error, float(chosen), chosen in (min(bandwidths), max(bandwidths)))


class Bandwidths(Frozen):
    """Bandwidths of the Parzen windows, of which the best for half of the real images is taken.

    count: so many from `min` to `max`, in units of the pixels, black to white being 1; each is the same multiple
    of the one before it. An inner one has a neighbour on either side, so three are the fewest.
    """

    min: Positive
    max: Positive
    count: Annotated[int, Field(ge=3, le=LARGEST)]

    @model_validator(mode="after")
    def _ordered(self) -> Bandwidths:
        if self.min >= self.max:
            raise refuse(f"is not above `min` = {self.min:g}; make it larger", "max", value=self.max)
        return self

    @property
    def values(self) -> tuple[float, ...]:
        return tuple(np.geomspace(self.min, self.max, self.count).tolist())


class Params(Frozen):
    """parzen_bandwidths: of the log-likelihood by Parzen windows."""

    parzen_bandwidths: Bandwidths


class ParzenMetric(Metric):
    kinds = optional = ("images",)
    order = 95
    parameters = Params

    def specs(self, inputs: Inputs) -> list[MetricSpec]:
        label = "Log-likelihood by Parzen windows, in nats (historical: far from the likelihood)"
        return [MetricSpec("parzen", label, "higher")]

    def min_samples(self, params: Any) -> tuple[int, str]:
        return 4, ""  # half of the real images choose the width, the others are the test

    def measure(self, generated: Any, inputs: Inputs) -> Values:
        made, real = (unit_pixels(one, inputs.device) for one in (generated, inputs.real))
        found = parzen(
            generated=made, validation=real[::2], test=real[1::2], bandwidths=inputs.params.parzen_bandwidths.values
        )
        at_edge = f"{found.bandwidth:.2g} is at the edge of evaluate.parzen_bandwidths: wider bounds may be better"
        return {"parzen": MetricValue(found.mean, found.error, at_edge if found.on_edge else None)}
