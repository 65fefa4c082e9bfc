"""What tuning with a budget comes to: the best of n configurations, for n up to as many as were tried.

Values are of the main metric, one a configuration; where higher is better, give them with the other sign. A
configuration that failed has the value of noise, which is what its samples are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganpipe.statistics.seeds import LEVEL

RESAMPLES = 2000
SEED = 21
Array = NDArray[np.float64]
TAILS = [100 * (1 - LEVEL) / 2, 100 * (1 + LEVEL) / 2]


def expected_best(values: Any, budgets: Sequence[int]) -> Array:
    """E[min of n values drawn with replacement], for each n of `budgets`: (..., N) to (..., len(budgets)).

    Dodge et al. 2019 (arXiv 1909.03004), equations 5 and 6, for a minimum: the i-th smallest of N is the best of n with
    probability ((N - i + 1) / N)^n - ((N - i) / N)^n.
    """
    ordered = np.sort(np.asarray(values, np.float64), axis=-1)
    left = np.arange(ordered.shape[-1], -1, -1) / ordered.shape[-1]
    weights = np.stack([left[:-1] ** n - left[1:] ** n for n in budgets])
    found: Array = ordered @ weights.T
    return found


@dataclass(frozen=True)
class Curve:
    """The expected best at each budget, with a 95 % band."""

    budgets: tuple[int, ...]
    best: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True)
class Rank:
    """rank: of the expected best, 1 is the lowest. low, high: 95 % interval over resamples of the configurations."""

    rank: float
    low: float
    high: float


@dataclass(frozen=True)
class Share:
    """Of the configurations that come within a factor of the best, with a 95 % interval."""

    share: float
    low: float
    high: float


def compare(groups: Mapping[str, Sequence[float]]) -> tuple[dict[str, Curve], dict[int, dict[str, Rank]]]:
    """The curve of each variant, and at budgets 1, 5, 20, 100 and that of all configurations the ranks.

    groups: values by variant, those of the same configuration at the same place. Configurations are resampled, the same
    for all variants, as these share them.
    """
    table = np.asarray([*groups.values()], np.float64)
    count = table.shape[1]
    budgets = tuple(range(1, count + 1))
    places = np.random.default_rng(SEED).integers(count, size=(RESAMPLES, count))
    best, again = expected_best(table, budgets), expected_best(table[:, places], budgets)
    low, high = np.percentile(again, TAILS, axis=1)
    curves = {
        name: Curve(budgets, *(tuple(part[i].tolist()) for part in (best, low, high))) for i, name in enumerate(groups)
    }
    ranks = {}
    for budget in sorted({n for n in (1, 5, 20, 100) if n < count} | {count}):
        of = _ranks(best[:, budget - 1])
        low, high = np.percentile(_ranks(again[:, :, budget - 1]), TAILS, axis=1)
        ranks[budget] = {name: Rank(float(of[i]), float(low[i]), float(high[i])) for i, name in enumerate(groups)}
    return curves, ranks


def _ranks(values: Array) -> Array:
    """Of values (V, ...) along the first axis, from 1; ties share their mean rank."""
    from scipy.stats import rankdata

    found: Array = rankdata(values, axis=0)
    return found


def within(values: Sequence[float], factor: float) -> Share:
    """The share of values that are at most `factor` times the lowest, for values from 0 on."""
    array = np.asarray(values, np.float64)
    places = np.random.default_rng(SEED).integers(len(array), size=(RESAMPLES, len(array)))
    low, high = np.percentile(_within(array[places], factor), TAILS)
    return Share(float(_within(array, factor)), float(low), float(high))


def _within(values: Array, factor: float) -> Array:
    found: Array = (values <= factor * values.min(-1, keepdims=True)).mean(-1)
    return found
