"""Bootstrap intervals: an enumeration of all resamples, coverage, and values without spread."""

from __future__ import annotations

import math
import subprocess
import sys
from itertools import product
from statistics import NormalDist

import numpy as np
import pytest

from ganpipe.statistics import Interval, Number, bootstrap_mean, summary

NORMAL = NormalDist()


def enumerated(values: list[float]) -> tuple[float, float]:
    """BCa as in chapter 14 of Efron and Tibshirani 1993, over all n^n resamples instead of some thousand of them."""
    n, mean = len(values), sum(values) / len(values)
    means = np.sort([sum(drawn) / n for drawn in product(values, repeat=n)])
    below = ((means < mean - 1e-12).mean() + (means < mean + 1e-12).mean()) / 2
    bias = NORMAL.inv_cdf(below)
    away = [mean - (sum(values) - value) / (n - 1) for value in values]
    acceleration = sum(u**3 for u in away) / (6 * sum(u**2 for u in away) ** 1.5)
    ends = []
    for z in (NORMAL.inv_cdf(0.025), NORMAL.inv_cdf(0.975)):
        share = NORMAL.cdf(bias + (bias + z) / (1 - acceleration * (bias + z)))
        ends.append(float(np.quantile(means, share)))
    return ends[0], ends[1]


@pytest.mark.parametrize("values", [[1.0, 2.0, 4.0, 8.0, 30.0], [-3.0, 0.5, 0.6, 0.9, 1.0, 7.0], [5.0, 5.2, 5.3, 6.0]])
def test_interval_is_that_of_all_resamples(values: list[float]) -> None:
    low, high = enumerated(values)
    found = bootstrap_mean(values)
    room = 0.04 * (max(values) - min(values))  # of 4999 resamples in the place of all
    assert found.how == "BCa"
    assert found.low == pytest.approx(low, abs=room)
    assert found.high == pytest.approx(high, abs=room)


def covered(n: int, skewed: bool, repetitions: int) -> float:
    rng = np.random.default_rng(n)
    held = 0
    for _ in range(repetitions):
        values = rng.lognormal(size=n) if skewed else rng.normal(1.0, 2.0, size=n)
        found = bootstrap_mean(values.tolist())
        assert found.low is not None
        assert found.high is not None
        held += found.low <= (math.exp(0.5) if skewed else 1.0) <= found.high
    return held / repetitions


@pytest.mark.parametrize(
    ("n", "skewed", "least", "most"),
    [(2, False, 0.42, 0.60), (5, False, 0.76, 0.90), (20, True, 0.80, 0.95)],
)
def test_interval_holds_the_mean_as_often_as_documented(n: int, skewed: bool, least: float, most: float) -> None:
    """Half of the time with 2 seeds, 80 % with 5; 88 % of 20 lognormal ones."""
    assert least < covered(n, skewed, 250) < most


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], Interval(None, None, "fewer than 2 seeds", 0)),
        ([3.0], Interval(None, None, "fewer than 2 seeds", 0)),
        ([3.0, None, math.nan], Interval(None, None, "fewer than 2 seeds", 2)),
        ([0.1, 0.1, 0.1], Interval(0.1, 0.1, "equal values", 0)),
        ([0.0, 0.0, math.inf], Interval(0.0, 0.0, "equal values", 1)),
        ([1.0, 3.0], Interval(1.0, 3.0, "BCa", 0)),  # a quarter of the resamples is twice the same seed
    ],
)
def test_few_or_equal_values(values: list[Number], expected: Interval) -> None:
    assert bootstrap_mean(values) == expected


def test_lost_seeds_are_counted_and_left_out() -> None:
    whole, torn = bootstrap_mean([1.0, 2.0, 4.0]), bootstrap_mean([1.0, None, 2.0, -math.inf, 4.0])
    assert (torn.low, torn.high, torn.lost) == (whole.low, whole.high, 2)


def test_scale_of_the_values_does_not_matter() -> None:
    values = [1.0, 2.0, 4.0, 8.0]
    small = bootstrap_mean(values)
    large = bootstrap_mean([value * 1.5e307 for value in values])
    assert small.low is not None
    assert large.low == pytest.approx(small.low * 1.5e307)


def test_same_interval_in_another_order_and_after_other_calls() -> None:
    values = [1.0, 2.5, 4.0, 8.0, 3.0]
    found = bootstrap_mean(values)
    bootstrap_mean([9.0, 8.0])
    np.random.default_rng().normal()
    assert bootstrap_mean(values[::-1]) == found


def test_a_summary_does_not_import_scipys_statistics() -> None:
    """It takes most of a second, and the report of one variant needs none of it."""
    code = (
        "import sys; from ganpipe.statistics import summary; summary([1, 2])\n"
        "assert 'scipy.special' in sys.modules and 'scipy.stats' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_student_and_bootstrap_agree_on_many_normal_values() -> None:
    values = np.random.default_rng(1).normal(10.0, 3.0, 200).tolist()
    student, resampled = summary(values), bootstrap_mean(values)
    assert resampled.low == pytest.approx(student.low, abs=0.05)
    assert resampled.high == pytest.approx(student.high, abs=0.05)
