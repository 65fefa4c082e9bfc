"""A conditional generator class by class: whether a sample is of the class that was asked for, and what a class lost.

The mean over classes of the Fréchet distance is the intra-FID of Miyato and Koyama 2018 (arXiv 1802.05637), section 5.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from torch import Tensor

from ganpipe.metrics import Inputs, Metric, MetricSpec, MetricValue, Values
from ganpipe.metrics.frechet import frechet_distance
from ganpipe.metrics.precision_recall import precision_recall


@dataclass(frozen=True)
class Labelled:
    """features (N, d). labels (N,) int64: the classes that were asked for, of real samples their own. named (N,): what
    the classifier names the samples; None of the real ones, of which nobody asks."""

    features: Tensor
    labels: Tensor
    named: Tensor | None = None


def mean_over_classes(
    distance: Callable[..., float], *, generated: Labelled, real: Labelled, min_samples: int
) -> float | None:
    """The mean of distance(generated=, real=) of the features over the classes with so many samples on both sides.

    None where there is no such class.
    """
    found = []
    for label in real.labels.unique():
        sides = {
            "generated": generated.features[generated.labels == label],
            "real": real.features[real.labels == label],
        }
        if min(map(len, sides.values())) >= min_samples:
            found.append(distance(**sides))
    return fmean(found) if found else None


class WithinClassesMetric(Metric):
    kinds = ("labelled",)
    order = 28

    def specs(self, inputs: Inputs) -> list[MetricSpec]:
        k = inputs.params.precision_recall_k
        return [
            MetricSpec("label_accuracy", "Accuracy of the classifier on the asked label", "higher"),
            MetricSpec("frechet_within_classes", "Fréchet distance within classes, mean", "lower"),
            MetricSpec("recall_within_classes", f"Recall within classes (k = {k}), mean", "higher"),
        ]

    def measure(self, generated: Labelled, inputs: Inputs) -> Values:
        k, sides = inputs.params.precision_recall_k, {"generated": generated, "real": inputs.real}
        assert generated.named is not None

        def recall(**of: Any) -> float:
            return precision_recall(**of, neighbours=k).recall

        few = f"no class has {k + 1} samples on either side"
        means = {
            "frechet_within_classes": mean_over_classes(frechet_distance, **sides, min_samples=k + 1),
            "recall_within_classes": mean_over_classes(recall, **sides, min_samples=k + 1),
        }
        accuracy = float((generated.named == generated.labels).double().mean())
        return {"label_accuracy": accuracy} | {
            name: MetricValue(mean, note=few if mean is None else None) for name, mean in means.items()
        }
