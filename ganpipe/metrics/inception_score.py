"""Inception score of class probabilities (Salimans et al. 2016, arXiv 1606.03498, section 4).

exp(E KL(p(y | x) || p(y))) over splits of the samples: 1 where every sample gets the same probabilities, the
number of classes where each is sure and all are equally frequent. It never sees a real sample, and it sees no
collapse within a class. With another network than Inception it is another metric, and is named so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ganpipe.metrics import Inputs, Metric, MetricSpec, MetricValue, Values
from ganpipe.metrics._samples import rows
from ganpipe.parts import Count, Frozen

TOLERANCE = 1e-5
"""How far from 1 the probabilities of a sample may sum: a softmax in float32 is within 1e-6."""


@dataclass(frozen=True)
class InceptionScore:
    """mean, deviation (with the number of splits, as the paper does): over `splits` (S,), one score each."""

    mean: float
    deviation: float
    splits: NDArray[np.float64]


def score_name(network: str) -> str:
    """What to call the metric with probabilities from this network."""
    return "Inception score" if network == "inception" else f"Classifier score ({network})"


def inception_score(
    probabilities: ArrayLike, *, splits: int = 10, rng: np.random.Generator | None = None
) -> InceptionScore:
    """The score of probabilities (N, C) over consecutive splits, the s-th from s N // S on, S = `splits`.

    A split of samples sorted by class sees few classes: give `rng` to shuffle them first, where they are not
    in random order. Raises ValueError where the rows are no probabilities or there are fewer than `splits`.
    """
    if splits < 1:
        raise ValueError(f"splits is {splits}: it should be at least 1.")
    table = rows("probabilities", probabilities, min_samples=splits)
    if (table < 0.0).any() or np.abs(table.sum(axis=1) - 1.0).max() > TOLERANCE:
        raise ValueError("probabilities should be from 0 on and sum to 1 for each sample: take the softmax.")
    if rng is not None:
        table = table[rng.permutation(len(table))]
    scores = np.empty(splits)
    for s in range(splits):
        part = table[s * len(table) // splits : (s + 1) * len(table) // splits]
        ratio = np.divide(part, part.mean(axis=0), out=np.ones_like(part), where=part > 0.0)
        scores[s] = np.exp(np.sum(part * np.log(ratio)) / len(part))
    return InceptionScore(float(scores.mean()), float(scores.std()), scores)


class Params(Frozen):
    """inception_score_splits: of the samples for the Inception score and for that of the classifier."""

    inception_score_splits: Count


class InceptionScoreMetric(Metric):
    kinds = ("probabilities",)
    order = 65
    parameters = Params

    def specs(self, inputs: Inputs) -> list[MetricSpec]:
        label = f"{score_name(inputs.source)}, {inputs.params.inception_score_splits} splits"
        return [MetricSpec(f"{inputs.source}_score", label, "higher")]

    def min_samples(self, params: Any) -> tuple[int, str]:
        return params.inception_score_splits, "inception_score_splits"

    def measure(self, generated: Any, inputs: Inputs) -> Values:
        """The splits hold different samples, so they are a sample of scores: their variance is with n - 1."""
        splits, name = inputs.params.inception_score_splits, f"{inputs.source}_score"
        purpose = "splits" if inputs.source == "classifier" else f"splits {inputs.source}"
        found = inception_score(generated, splits=splits, rng=inputs.random(purpose))
        if splits < 2:
            return {name: MetricValue(found.mean, note="one split has no standard error")}
        return {name: MetricValue(found.mean, float(found.splits.std(ddof=1)) / splits**0.5)}
