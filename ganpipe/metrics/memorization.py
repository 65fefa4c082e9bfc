"""Whether generated samples are nearer to training data than unseen real samples are: data-copying (Meehan et al. 2020,
arXiv 2004.05675, the test C_T).

Let L(x) be the Euclidean distance of x to its nearest training sample. A generator that learned the distribution makes
samples whose L is distributed like that of test samples; one that copies makes smaller ones. A generator that makes
garbage makes larger ones, so no number here is good for being small. On features or on pixels: copies that a network's
features hide, pixels may show, and the other way round.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from ganpipe.metrics import Inputs, Metric, MetricSpec, Values
from ganpipe.metrics._distances import kth_nearest
from ganpipe.metrics._samples import as_matrix
from ganpipe.parts import Frozen

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Memorization:
    """z: Meehan's C_T. That is the rank statistic of Mann and Whitney 1947, ties counting half, over its standard
    deviation under the null hypothesis that L is alike: 0 for an exact sampler, and below -1.645 copying is significant
    at the 5 % level (one-sided). It grows with the numbers of samples.

    share: of generated samples nearer to the training data than `quantile` of the test samples are; `quantile` for an
    exact sampler. It shows what z does not, a small part that is copied.
    """

    z: float
    share: float


def training_distances(samples: Any, *, training: Any, name: str = "samples") -> Array:
    """L (N,): the distance of samples (N, d) to the nearest of the training samples (M, d).

    Raises ValueError for wrong shapes, no sample or values that are not finite.
    """
    known = as_matrix("training", training)
    return np.asarray(kth_nearest(as_matrix(name, samples).to(known.device), 1, known).sqrt().cpu().numpy())


def memorization(*, generated: Any, test: Any, training: Any, quantile: float = 0.01) -> Memorization:
    """Memorization in samples (N, d), with test (M, d) and training samples (K, d) of the same form.

    Raises ValueError for wrong shapes, no sample, values that are not finite or a quantile not in (0, 1).
    """
    made = training_distances(generated, training=training, name="generated")
    return memorization_of(made, test=training_distances(test, training=training, name="test"), quantile=quantile)


def memorization_of(made: Array, *, test: Array, quantile: float = 0.01) -> Memorization:
    """The same from L of the generated (N,) and of the test samples (M,), which are the same for every generator.

    Raises ValueError where the quantile is not in (0, 1).
    """
    if not 0.0 < quantile < 1.0:
        raise ValueError(f"quantile is {quantile}: it should be between 0 and 1.")
    unseen = np.sort(test)
    m, n = len(unseen), len(made)
    above = m - np.searchsorted(unseen, made, side="right")
    level = np.searchsorted(unseen, made, side="right") - np.searchsorted(unseen, made, side="left")
    nearer = float((above + 0.5 * level).sum() / (m * n))
    deviation = np.sqrt((m + n + 1) / (12.0 * m * n))
    limit = unseen[int(quantile * m)]  # so many test samples are below, but for ties
    return Memorization(float((0.5 - nearer) / deviation), float((made < limit).mean()))


class Params(Frozen):
    """memorization_quantile: a sample counts as memorized where it is nearer to a training sample than all but this
    share of the real test samples are.
    """

    memorization_quantile: Annotated[float, Field(gt=0, lt=1)]


class MemorizationMetric(Metric):
    """Against all samples that were trained on, however few are compared: of a part of them an exact copier would copy
    only that part."""

    kinds = ("features", "points")
    order = 80
    parameters = Params

    def specs(self, inputs: Inputs) -> list[MetricSpec]:
        quantile = inputs.params.memorization_quantile
        what = "points" if inputs.kind == "points" else "images"
        share = f"Memorization: share nearer to training {what} than {100 * (1 - quantile):.4g} % of test {what} are"
        z = f"Memorization test: z of training distances, below \u22121.645 significantly nearer than test {what} are"
        return [
            MetricSpec("memorization", share, None, baseline=quantile),
            MetricSpec("memorization_z", z, None, baseline=0.0),
        ]

    def prepare(self, inputs: Inputs) -> dict[str, Tensor]:
        return {
            "near": torch.from_numpy(
                training_distances(inputs.real, training=inputs.train[inputs.data.seen], name="real")
            )
        }

    def measure(self, generated: Any, inputs: Inputs) -> Values:
        made = training_distances(generated, training=inputs.train[inputs.data.seen], name="generated")
        found = memorization_of(
            made, test=inputs.stats["near"].cpu().numpy(), quantile=inputs.params.memorization_quantile
        )
        return {"memorization": found.share, "memorization_z": found.z}
