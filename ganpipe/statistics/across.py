"""Variants across data sets, by normalised scores (Agarwal et al. 2021) and by ranks (Demšar 2006).

Agarwal et al., "Deep Reinforcement Learning at the Edge of the Statistical Precipice" (arXiv 2108.13264); Demšar,
"Statistical Comparisons of Classifiers over Multiple Data Sets", J. Mach. Learn. Res. 7. Higher scores are better.
Intervals are 95 % percentile bootstrap intervals, stratified: the runs of each data set are resampled by themselves.
With few runs they are too narrow: of normal scores on three data sets they hold the true interquartile mean in 86, 89
and 94 of 100 cases with 3, 5 and 10 runs on each.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganpipe.statistics.bootstrap import RESAMPLES, SEED, percentile
from ganpipe.statistics.differences import share_larger
from ganpipe.statistics.seeds import LEVEL, Number

Array = NDArray[np.float64]
Scores = Sequence[Sequence[float]]
"""Of one variant: for each data set one score a run, the data sets in the same order for all variants."""


@dataclass(frozen=True)
class Estimate:
    """value, with the ends of its interval; None where a data set has a single run."""

    value: float
    low: Number
    high: Number


@dataclass(frozen=True)
class Profile:
    """The share of runs whose score is above each threshold, with its band, None as in Estimate."""

    thresholds: tuple[float, ...]
    share: tuple[float, ...]
    low: tuple[float, ...] | None
    high: tuple[float, ...] | None


def interquartile_mean(scores: Scores) -> Estimate:
    """The mean of the middle half of the runs of all data sets together."""
    return _estimate(scores, _interquartile_mean)


def probability_of_improvement(a: Scores, b: Scores) -> Estimate:
    """How probable it is that a run of `a` has a higher score than one of `b` on the same data set, ties half.

    The mean over the data sets.
    """
    return _estimate([*a, *b], _improvement)


def performance_profile(scores: Scores, thresholds: Sequence[float]) -> Profile:
    """The share of runs above each threshold, the mean over the data sets: the paper's run-score distribution."""
    levels = np.asarray(thresholds, np.float64)

    def above(*samples: Array, axis: int) -> Any:
        return np.mean([(sample > levels[:, *[None] * sample.ndim]).mean(axis) for sample in samples], axis=0)

    share, low, high = _with_ends(scores, above)
    ends = [None if of is None else tuple(of.tolist()) for of in (low, high)]
    return Profile(tuple(thresholds), tuple(share.tolist()), *ends)


def _estimate(samples: Scores, statistic: Any) -> Estimate:
    value, *ends = _with_ends(samples, statistic)
    return Estimate(float(value), *(None if end is None else float(end) for end in ends))


def _with_ends(samples: Scores, statistic: Any) -> tuple[Any, Any, Any]:
    value = statistic(*(np.asarray(sample, np.float64) for sample in samples), axis=-1)
    single = min(map(len, samples)) < 2
    return (value, None, None) if single else (value, *percentile(samples, statistic))


def _interquartile_mean(*samples: Array, axis: int) -> Any:
    from scipy.stats import trim_mean

    return trim_mean(np.concatenate(samples, axis), 0.25, axis)


def _improvement(*samples: Array, axis: int) -> Any:
    half = len(samples) // 2
    pairs = zip(samples[:half], samples[half:], strict=True)
    return np.mean([share_larger(a, b, axis) for a, b in pairs], axis=0)


MIN_VARIANTS = 3


@dataclass(frozen=True)
class MeanRanks:
    """ranks: of each variant, the mean over the data sets of its rank, 1 being the best, ties sharing their mean rank.

    p: of Friedman's test that all variants are equal. critical_difference: variants whose mean ranks differ by more are
    distinct by Nemenyi's test at 5 %.
    """

    ranks: tuple[float, ...]
    p: float
    critical_difference: float


def mean_ranks(scores: Any) -> MeanRanks:
    """The ranks of scores (variants, data sets).

    p is over random permutations within the data sets, as the chi-squared of Friedman's statistic takes many of them.
    """
    from scipy.stats import rankdata

    ranks = rankdata(-np.asarray(scores, np.float64), axis=0).T
    permuted = np.random.default_rng(SEED).permuted(np.broadcast_to(ranks, (RESAMPLES, *ranks.shape)), axis=-1)
    spread, as_found = permuted.mean(1).var(-1), ranks.mean(0).var()
    p = (1 + np.count_nonzero(spread > as_found - 1e-9)) / (1 + RESAMPLES)
    data_sets, variants = ranks.shape
    return MeanRanks(tuple(ranks.mean(0).tolist()), float(p), critical_difference(variants, data_sets))


def critical_difference(variants: int, data_sets: int) -> float:
    """Nemenyi's at 5 % (Demšar 2006, section 3.2.2), for MIN_VARIANTS or more; of two the test would err too often."""
    from scipy.stats import studentized_range

    q = float(studentized_range.ppf(LEVEL, variants, np.inf)) / math.sqrt(2)
    return q * math.sqrt(variants * (variants + 1) / (6 * data_sets))


def data_sets_needed(variants: int) -> int:
    """The fewest data sets on which the test can tell any two of so many variants apart."""
    needed = (critical_difference(variants, 1) / (variants - 1)) ** 2  # the mean ranks differ by variants - 1 at most
    return math.floor(needed) + 1
