"""Two variants: by how much one is better, how often it is, and what many such questions at once leave of an answer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ganpipe.statistics.bootstrap import bca
from ganpipe.statistics.seeds import LEVEL, Better, Number, student, summary

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Difference:
    """value: mean of the first less mean of the second, in the units of the values. low, high: its 95 % interval.

    degrees: Welch's degrees of freedom. p: two-sided, of equal means. lost: of the first and of the second; where one
    of them is not 0, all else is None: a difference of the means of what is left would flatter. Where a side has
    fewer than two seeds, all but `value` is None, and without a seed that too.
    """

    value: Number
    low: Number
    high: Number
    degrees: Number
    p: Number
    lost: tuple[int, int]


def welch(a: Sequence[Number], b: Sequence[Number]) -> Difference:
    """Welch's t for two independent samples whose variances need not be equal, one value per seed.

    Welch 1947, "The generalization of 'Student's' problem when several different population variances are involved",
    Biometrika 34, with Satterthwaite's degrees of freedom. Where neither side has any spread there is no t and
    `degrees` is None: the interval has no width, as that of equal values in `summary`, and p is that of the exact
    permutation test, 1 for equal means, else 2 / C(n + m, n), as the two sides are then parted completely.
    """
    one, other = summary(a), summary(b)
    lost = (one.lost, other.lost)
    if any(lost) or one.mean is None or other.mean is None:
        return Difference(None, None, None, None, None, lost)
    value = one.mean - other.mean
    if one.sd is None or other.sd is None:
        return Difference(value, None, None, None, None, lost)
    errors = one.sd / math.sqrt(one.n), other.sd / math.sqrt(other.n)
    error = math.hypot(*errors)
    if error == 0:
        p = 2 / math.comb(one.n + other.n, one.n) if value else 1.0
        return Difference(value, value, value, None, p, lost)
    from scipy.special import stdtr

    shares = [(part / error) ** 2 for part in errors]
    degrees = 1 / (shares[0] ** 2 / (one.n - 1) + shares[1] ** 2 / (other.n - 1))
    half = student(degrees) * error
    p = 2 * float(stdtr(degrees, -abs(value) / error))
    return Difference(value, value - half, value + half, degrees, p, lost)


@dataclass(frozen=True)
class Superiority:
    """value: the share of pairs in which the first is better, ties half, 0 to 1; None where a side has no seed.

    low, high: a 95 % interval of the probability. how: "BCa"; "Newcombe", where resampling knows no spread; "fewer than
    2 seeds", where low and high are None. lost: seeds of the first and of the second that were None or not finite;
    they take part, as worse than any number and equal to each other.
    """

    value: Number
    low: Number
    high: Number
    how: str
    lost: tuple[int, int]


def a12(a: Sequence[Number], b: Sequence[Number], better: Better) -> Superiority:
    """How probable it is that a new seed of the first is better than a new seed of the second, ties half.

    Vargha and Delaney 2000, "A Critique and Improvement of the CL Common Language Effect Size Statistics of McGraw
    and Wong", J. Educ. Behav. Stat. 25. It takes nothing of the values but their order, and so has a place for a seed
    that is lost: behind every number, whichever way is better. The interval is a bootstrap over the seeds of either
    side. Where one side is better in all pairs, or all values are equal, every resample says the same, and that a few
    seeds leave no doubt would be wrong: the interval is then that of Newcombe 2006, "Confidence intervals for an effect
    size measure based on the Mann-Whitney statistic. Part 2", Statist. Med. 25, method 5.
    """
    good = [[_goodness(value, better) for value in side] for side in (a, b)]
    lost = (sum(map(math.isinf, good[0])), sum(map(math.isinf, good[1])))
    if not a or not b:
        return Superiority(None, None, None, "fewer than 2 seeds", lost)
    order = {value: float(place) for place, value in enumerate(sorted({*good[0], *good[1]}))}
    places = [sorted(order[value] for value in side) for side in good]
    import numpy as np

    value = float(_share(np.asarray(places[0]), np.asarray(places[1]), axis=-1))
    if min(len(a), len(b)) < 2:
        return Superiority(value, None, None, "fewer than 2 seeds", lost)
    if value in (0.0, 1.0) or len(order) == 1:
        return Superiority(value, *_newcombe(value, len(a), len(b)), "Newcombe", lost)
    return Superiority(value, *bca(places, _share), "BCa", lost)


def holm(p: Sequence[float]) -> list[float]:
    """A family of p-values, adjusted, in the order in which they are given.

    Who calls all below 0.05 real is wrong about any of them in at most 5 % of families, however the p-values depend on
    each other. Holm 1979, "A Simple Sequentially Rejective Multiple Test Procedure", Scand. J. Statist. 6: the smallest
    of m is multiplied by m, the next by m - 1 and so on, at most 1, and none is smaller than the one before it.
    """
    adjusted, highest = [0.0] * len(p), 0.0
    for step, index in enumerate(sorted(range(len(p)), key=lambda index: p[index])):
        highest = max(highest, min(1.0, (len(p) - step) * p[index]))
        adjusted[index] = highest
    return adjusted


def _goodness(value: Number, better: Better) -> float:
    if value is None or not math.isfinite(value):
        return -math.inf
    return -float(value) if better == "lower" else float(value)


def _share(a: Array, b: Array, axis: int) -> Any:
    """The share of pairs in which a is larger, ties half; the values lie along the last axis."""
    import numpy as np

    return (np.sign(a[..., :, None] - b[..., None, :]).mean(axis=(-2, -1)) + 1) / 2


def _newcombe(value: float, n: int, m: int) -> tuple[float, float]:
    """The probabilities whose standard error the observed share is no further away from than a normal interval allows.

    The variance is Hanley's and McNeil's with (n + m) / 2 - 1 in the place of both n - 1 and m - 1.
    """
    from scipy.optimize import brentq
    from scipy.special import ndtri

    z, rest = float(ndtri((1 + LEVEL) / 2)), (n + m) / 2 - 1

    def excess(theta: float) -> float:
        inner = 1 + rest * ((1 - theta) / (2 - theta) + theta / (1 + theta))
        return (value - theta) ** 2 - z**2 * theta * (1 - theta) * inner / (n * m)

    least, most = 1e-12, 1 - 1e-12  # at 0 and 1 themselves the variance is 0, which is the root that is not meant
    low = brentq(excess, least, min(value, most)) if value > 0 else 0.0
    high = brentq(excess, max(value, least), most) if value < 1 else 1.0
    return float(low), float(high)
