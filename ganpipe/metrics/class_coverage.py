"""How the classes that a classifier sees in generated samples are spread, against the real ones.

With 1000 classes this is the protocol of Stacked MNIST (Metz et al. 2017, arXiv 1611.02163, section 3.3.1;
Lin et al. 2018, arXiv 1712.04086, section 4.2): classes reached, and the KL divergence from the real
histogram.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from ganpipe.metrics import Inputs, Metric, MetricSpec, Values
from ganpipe.parts import Frozen


@dataclass(frozen=True)
class ClassCoverage:
    """covered: classes with at least the threshold's share. smallest: the least share of a class.

    kl: KL(generated | real) of the histograms in nats; a dropped class leaves it finite, and it is infinite
    only where generated samples fall into a class without real ones.
    """

    covered: int
    smallest: float
    kl: float


def class_shares(predicted: ArrayLike, classes: int) -> NDArray[np.float64]:
    """The share of each class (C,) among predicted ids (N,), whole numbers from 0 to C - 1, C = `classes`.

    Raises ValueError where there is no id, or one that is none of these.
    """
    ids = np.asarray(predicted)
    if ids.ndim != 1 or ids.size == 0 or not np.issubdtype(ids.dtype, np.integer):
        raise ValueError(f"predicted should be whole numbers (samples,), not {ids.dtype} {ids.shape}.")
    if ids.min() < 0 or ids.max() >= classes:
        raise ValueError(f"predicted runs from {ids.min()} to {ids.max()}: it should be from 0 to {classes - 1}.")
    return np.bincount(ids, minlength=classes) / ids.size


def class_coverage(*, generated: ArrayLike, real: ArrayLike, threshold: float) -> ClassCoverage:
    """Compare shares (C,) of generated samples with those of real ones; a class counts from `threshold` on.

    Raises ValueError where the shares are no histograms of the same classes or the threshold is not in (0,
    1].
    """
    if not 0.0 < threshold <= 1.0:
        raise ValueError(f"threshold is {threshold}: it should be above 0 and at most 1.")
    shares, target = _histogram("generated", generated), _histogram("real", real)
    if shares.shape != target.shape:
        raise ValueError(f"generated has {shares.size} classes and real has {target.size}: use the same classes.")
    present = shares > 0.0
    with np.errstate(divide="ignore"):  # no real sample in a class that was generated: infinite is the answer
        kl = float(np.sum(shares[present] * np.log(shares[present] / target[present])))
    return ClassCoverage(
        covered=int(np.count_nonzero(shares >= threshold)),
        smallest=float(shares.min()),
        kl=max(0.0, kl),  # Gibbs' inequality: below zero is rounding
    )


def _histogram(name: str, shares: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(shares, dtype=np.float64)
    if array.ndim != 1 or array.size == 0 or not (array >= 0.0).all() or abs(array.sum() - 1.0) > 1e-9:
        raise ValueError(f"{name} should be shares (classes,) from 0 on that sum to 1.")
    return array


class Params(Frozen):
    """class_presence_threshold: a class is covered from this share of the samples on, 0 < threshold <= 1."""

    class_presence_threshold: Annotated[float, Field(gt=0, le=1)]


class ClassCoverageMetric(Metric):
    """Of a thousand combined classes, where each channel is an image of its own, a mode is counted from one sample on
    (Metz et al. 2017, section 3.3.1)."""

    kinds = ("probabilities",)
    order = 25
    parameters = Params

    def specs(self, inputs: Inputs) -> list[MetricSpec]:
        if inputs.source != "classifier":
            return []
        kl = MetricSpec("class_kl", "KL divergence of the classes from the real ones", "lower", in_main_table=True)
        if inputs.data.base:
            label = f"Modes of {len(inputs.real)} with a sample"
            return [MetricSpec("modes", label, "higher", in_main_table=True, quick=True), kl]
        label = f"Classes with at least {inputs.params.class_presence_threshold:.3g} of the samples"
        return [
            MetricSpec("classes_covered", label, "higher", in_main_table=True, quick=True),
            MetricSpec("smallest_class", "Share of the smallest class", "higher", in_main_table=True, quick=True),
            kl,
        ]

    def measure(self, generated: Any, inputs: Inputs) -> Values:
        shares = class_shares(generated.argmax(axis=1), len(inputs.real))
        threshold = 0.5 / len(generated) if inputs.data.base else inputs.params.class_presence_threshold
        found = class_coverage(generated=shares, real=inputs.real, threshold=threshold)
        covered = (
            {"modes": found.covered}
            if inputs.data.base
            else {"classes_covered": found.covered, "smallest_class": found.smallest}
        )
        return covered | {"class_kl": found.kl}
