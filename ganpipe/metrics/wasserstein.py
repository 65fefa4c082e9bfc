"""Exact Wasserstein-1 distance of two samples, with the plan that attains it.

W1 = min over plans P of sum P_ij |x_i - y_j|, where P has uniform marginals (Peyré and Cuturi 2019,
Computational Optimal Transport, equation 2.11): a linear programme, solved to the end by POT's network
simplex. Between finite samples of one distribution it is not 0, so compare it with the value between two real
samples.
"""

from __future__ import annotations

import importlib
import os
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ganpipe.metrics import Inputs, Metric, MetricSpec, Values, choose
from ganpipe.metrics._samples import rows, same_width
from ganpipe.parts import Count, Frozen

PIVOTS = 100_000_000
"""Steps of the simplex before it gives up: a guard against an endless run, far above what samples take."""

OTHER_ARRAYS = tuple(f"POT_BACKEND_DISABLE_{name}" for name in ("PYTORCH", "JAX", "CUPY", "TENSORFLOW"))


@dataclass(frozen=True)
class Transport:
    """distance: in the units of the samples. The plan moves mass[e] from sample origin[e] to target[e].

    origin (E,) indexes the generated samples, target (E,) the real ones; mass (E,) sums to 1. E < N + M.
    """

    distance: float
    origin: NDArray[np.int64]
    target: NDArray[np.int64]
    mass: NDArray[np.float64]


def transport(*, generated: ArrayLike, real: ArrayLike) -> Transport:
    """The optimal plan from samples (N, d) to (M, d), each of equal weight; the ground cost is Euclidean.

    Time grows faster than N * M (1.5 s for 2,500 by 2,500), memory is about 24 N M bytes. Raises ValueError
    for wrong shapes, no sample or values that are not finite, RuntimeError where the solver does not reach
    the optimum.
    """
    start, end = rows("generated", generated), rows("real", real)
    same_width(start, end)
    costs = np.zeros((len(start), len(end)))
    for axis in range(start.shape[1]):  # by differences: |a|^2 + |b|^2 - 2ab is imprecise for near samples
        costs += np.subtract.outer(start[:, axis], end[:, axis]) ** 2
    np.sqrt(costs, out=costs)
    largest = costs.max() or 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # what it warns of stands in the log, and is an error here
        plan, log = _solver().emd(
            np.full(len(start), 1.0 / len(start)),
            np.full(len(end), 1.0 / len(end)),
            costs / largest,  # the solver's tolerances are absolute
            numItermax=PIVOTS,
            log=True,
        )
    if log["warning"] is not None:
        raise RuntimeError(f"The transport between {plan.shape} samples was not solved: {log['warning']}")
    origin, target = np.nonzero(plan)
    mass = plan[origin, target]
    return Transport(float(mass @ costs[origin, target]), origin, target, mass)


def _solver() -> Any:
    """POT. Importing it costs seconds, and more where it also loads every array library that it finds."""
    absent = [key for key in OTHER_ARRAYS if key not in os.environ]
    os.environ.update(dict.fromkeys(absent, "1"))
    try:
        with warnings.catch_warnings():
            # ot/datasets.py, POT 0.9.7: seen only when Python compiles that file for the first time
            warnings.filterwarnings("ignore", r"invalid escape sequence '\\d'")
            return importlib.import_module("ot")
    finally:
        for key in absent:
            del os.environ[key]


class Params(Frozen):
    """wasserstein_max_points: at most so many points on each side of the exact Wasserstein distance, whose cost grows
    with their product."""

    wasserstein_max_points: Count


class WassersteinMetric(Metric):
    kinds = ("points",)
    order = 60
    parameters = Params

    def specs(self, inputs: Inputs) -> list[MetricSpec]:
        most = inputs.params.wasserstein_max_points
        return [MetricSpec("wasserstein", "Wasserstein-1 distance", "lower", in_main_table=True, max_samples=most)]

    def protocol(self, inputs: Inputs, generated: int) -> dict[str, Any]:
        most = inputs.params.wasserstein_max_points
        return {"transport_generated": min(generated, most), "transport_real": min(len(inputs.real), most)}

    def measure(self, generated: Any, inputs: Inputs) -> Values:
        most = inputs.params.wasserstein_max_points
        made = choose(generated, most, inputs.random("transport"))
        return {
            "wasserstein": transport(
                generated=made, real=choose(inputs.real, most, inputs.random("real transport"))
            ).distance
        }
