"""Two variants: the difference of their means, the probability that one is better, and correction for many tests."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ganpipe.statistics.bootstrap import bca
from ganpipe.statistics.seeds import LEVEL, Better, Number, Summary, finite, summary

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Difference:
    """value: mean of the first less mean of the second, in the units of the values. low, high: its 95 % interval.

    degrees: Welch's degrees of freedom. p: two-sided, of equal means. lost: lost seeds of the first and of the second;
    where there are any, all else is None, as the means of what is left would flatter. Where a side has fewer than two
    seeds, all but `value` is None, and without a seed that too.
    """

    value: Number
    low: Number
    high: Number
    degrees: Number
    p: Number
    lost: tuple[int, int]


def welch(a: Sequence[Number], b: Sequence[Number]) -> Difference:
    """Welch's t-test of two independent samples with unequal variances, one value per seed.

    Welch 1947, "The generalization of 'Student's' problem when several different population variances are involved",
    Biometrika 34, by `scipy.stats.ttest_ind`. Where neither side has any spread there is no t and `degrees` is None:
    the interval has no width, and p is that of the exact permutation test, 1 for equal means, else 2 / C(n + m, n).
    """
    one, other = summary(a), summary(b)
    lost = (one.lost, other.lost)
    if any(lost) or one.mean is None or other.mean is None:
        return Difference(None, None, None, None, None, lost)
    value = one.mean - other.mean
    if one.sd is None or other.sd is None:
        return Difference(value, None, None, None, None, lost)
    if one.sd == other.sd == 0:
        return Difference(value, value, value, None, _permutation_p(one, other), lost)
    from scipy.stats import ttest_ind

    samples = finite(a), finite(b)
    unit = max(abs(number) for side in samples for number in side)  # squares of very large and small values stay finite
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # SciPy's of a side without spread
        test = ttest_ind(*([number / unit for number in side] for side in samples), equal_var=False)
        interval = test.confidence_interval(LEVEL)
    return Difference(
        value, unit * float(interval.low), unit * float(interval.high), float(test.df), float(test.pvalue), lost
    )


def welch_p_values(pairs: Sequence[tuple[Summary, Summary]]) -> list[float]:
    """The p of `welch` for many pairs, by `scipy.stats.ttest_ind_from_stats`; each side has two seeds or more."""
    if not pairs:
        return []
    import numpy as np
    from scipy.stats import ttest_ind_from_stats

    n, mean, sd = np.array([[(side.n, side.mean, side.sd) for side in pair] for pair in pairs], np.float64).T
    unit = sd.max(axis=0)
    with np.errstate(all="ignore"):  # of pairs without spread, which come next, and of a t that is infinite
        t = (mean[0] - mean[1]) / unit
        found = ttest_ind_from_stats(t, sd[0] / unit, n[0], 0 * t, sd[1] / unit, n[1], equal_var=False).pvalue
    return [float(p) if spread else _permutation_p(*pair) for p, spread, pair in zip(found, unit, pairs, strict=True)]


def _permutation_p(one: Summary, other: Summary) -> float:
    """The exact permutation test of equal means where neither side has any spread."""
    return 1.0 if one.mean == other.mean else 2 / math.comb(one.n + other.n, one.n)


@dataclass(frozen=True)
class Superiority:
    """value: the share of pairs in which the first is better, ties half, 0 to 1; None where a side has no seed.

    low, high: a 95 % interval of the probability. how: "BCa"; "Newcombe", where all resamples are equal; "fewer than 2
    seeds", where low and high are None. lost: lost seeds of the first and of the second; they are compared, as worse
    than any number and equal to each other.
    """

    value: Number
    low: Number
    high: Number
    how: str
    lost: tuple[int, int]


def a12(a: Sequence[Number], b: Sequence[Number], better: Better) -> Superiority:
    """How probable it is that a new seed of the first is better than a new seed of the second, ties half.

    Vargha and Delaney 2000, "A Critique and Improvement of the CL Common Language Effect Size Statistics of McGraw
    and Wong", J. Educ. Behav. Stat. 25. It depends on the order of the values alone, so lost seeds can take part, as
    worse than any number. The interval is a bootstrap over the seeds of either side. Where one side is better in all
    pairs, or all values are equal, all resamples are equal too and the bootstrap would have no width: the interval is
    then that of Newcombe 2006, "Confidence intervals for an effect size measure based on the Mann-Whitney statistic.
    Part 2", Statist. Med. 25, method 5.
    """
    scores = [[_score(value, better) for value in side] for side in (a, b)]
    lost = (sum(map(math.isinf, scores[0])), sum(map(math.isinf, scores[1])))
    if not a or not b:
        return Superiority(None, None, None, "fewer than 2 seeds", lost)
    order = {value: float(index) for index, value in enumerate(sorted({*scores[0], *scores[1]}))}
    ranks = [sorted(order[value] for value in side) for side in scores]
    import numpy as np

    value = float(share_larger(np.asarray(ranks[0]), np.asarray(ranks[1]), axis=-1))
    if min(len(a), len(b)) < 2:
        return Superiority(value, None, None, "fewer than 2 seeds", lost)
    if value in (0.0, 1.0) or len(order) == 1:
        return Superiority(value, *_newcombe(value, len(a), len(b)), "Newcombe", lost)
    return Superiority(value, *bca(ranks, share_larger), "BCa", lost)


def holm(p: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values of a family of tests, in the given order.

    Rejecting all below 0.05 makes any false rejection in at most 5 % of families, however the p-values depend on each
    other. Holm 1979, "A Simple Sequentially Rejective Multiple Test Algorithm", Scand. J. Statist. 6: the smallest
    of m is multiplied by m, the next by m - 1 and so on, at most 1, and none is smaller than the one before it.
    """
    adjusted, highest = [0.0] * len(p), 0.0
    for step, index in enumerate(sorted(range(len(p)), key=lambda index: p[index])):
        highest = max(highest, min(1.0, (len(p) - step) * p[index]))
        adjusted[index] = highest
    return adjusted


def _score(value: Number, better: Better) -> float:
    if value is None or not math.isfinite(value):
        return -math.inf
    return -float(value) if better == "lower" else float(value)


def share_larger(a: Array, b: Array, axis: int) -> Any:
    """The share of pairs in which a is larger, ties half; the values lie along the last axis."""
    import numpy as np

    return (np.sign(a[..., :, None] - b[..., None, :]).mean(axis=(-2, -1)) + 1) / 2


def _newcombe(value: float, n: int, m: int) -> tuple[float, float]:
    """Newcombe's interval: the probabilities from which the share differs by 1.96 of their standard errors at most.

    The variance is Hanley's and McNeil's with (n + m) / 2 - 1 in place of both n - 1 and m - 1.
    """
    from scipy.optimize import brentq
    from scipy.special import ndtri

    z, rest = float(ndtri((1 + LEVEL) / 2)), (n + m) / 2 - 1

    def excess(theta: float) -> float:
        inner = 1 + rest * ((1 - theta) / (2 - theta) + theta / (1 + theta))
        return (value - theta) ** 2 - z**2 * theta * (1 - theta) * inner / (n * m)

    least, most = 1e-12, 1 - 1e-12  # at 0 and 1 the variance is 0, which is a root of no meaning
    low = brentq(excess, least, min(value, most)) if value > 0 else 0.0
    high = brentq(excess, max(value, least), most) if value < 1 else 1.0
    return float(low), float(high)
