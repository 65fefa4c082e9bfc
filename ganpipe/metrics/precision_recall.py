"""Improved precision and recall (Kynkäänniemi et al. 2019, arXiv 1904.06991, equations 1 and 2).

Each set of features spans a manifold: the union of balls around its samples, each reaching to the sample's k-th nearest
neighbour in its own set. Precision is the share of generated samples on the real manifold, recall the share of real
samples on the generated manifold. A collapsed generator has high precision and low recall.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from ganpipe.metrics import Inputs, Metric, MetricSpec, Values
from ganpipe.metrics._distances import kth_nearest, within
from ganpipe.metrics._samples import as_pair
from ganpipe.parts import Count, Frozen


@dataclass(frozen=True)
class PrecisionRecall:
    """Shares between 0 and 1: of generated samples that are like real ones, and of real samples that are covered."""

    precision: float
    recall: float


def precision_recall(
    *, generated: Any, real: Any, neighbours: int, real_radii: Tensor | None = None
) -> PrecisionRecall:
    """Precision and recall of features (N, d) and (M, d); balls reach to the k-th neighbour, k = `neighbours`.

    real_radii (M,): `kth_nearest(real, k)` where it is known. Raises ValueError for wrong shapes, values that are
    not finite, k < 1 or not more than k samples.
    """
    generated, real = as_pair(generated=generated, real=real, min_samples=neighbours + 1)
    radii = kth_nearest(real, neighbours) if real_radii is None else real_radii
    own = kth_nearest(generated, neighbours)
    on_real, on_generated = 0, real.new_zeros(len(real)).bool()
    for in_real, in_generated in within(generated, real, radii[None], own[:, None]):
        on_real += int(in_real.any(1).sum())
        on_generated |= in_generated.any(0)
    return PrecisionRecall(on_real / len(generated), float(on_generated.double().mean()))


class Params(Frozen):
    """precision_recall_k: k of precision and recall."""

    precision_recall_k: Count


class PrecisionRecallMetric(Metric):
    kinds = ("features",)
    order = 20
    parameters = Params

    def specs(self, inputs: Inputs) -> list[MetricSpec]:
        k = inputs.params.precision_recall_k
        return [
            MetricSpec("precision", f"Precision (k = {k})", "higher", in_main_table=True, quick=True),
            MetricSpec("recall", f"Recall (k = {k})", "higher", in_main_table=True, quick=True),
        ]

    def min_samples(self, params: Any) -> tuple[int, str]:
        return params.precision_recall_k + 1, "precision_recall_k"

    def prepare(self, inputs: Inputs) -> dict[str, Tensor]:
        return {"radii": kth_nearest(inputs.real, inputs.params.precision_recall_k)}

    def measure(self, generated: Any, inputs: Inputs) -> Values:
        found = precision_recall(
            generated=generated,
            real=inputs.real,
            neighbours=inputs.params.precision_recall_k,
            real_radii=inputs.stats["radii"],
        )
        return {"precision": found.precision, "recall": found.recall}
