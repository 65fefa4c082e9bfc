"""The summary over seeds: Student's quantiles, few seeds, and values that are no numbers."""

from __future__ import annotations

import math
import random

import pytest

from ganpipe.statistics import Number, Summary, summary

FOUR = 4 * 0.975 * 0.025
QUANTILES = {
    2: math.tan(math.pi * 0.475),
    3: 0.95 * math.sqrt(2 / (1 - 0.95**2)),
    5: 2 * math.sqrt(math.cos(math.acos(math.sqrt(FOUR)) / 3) / math.sqrt(FOUR) - 1),
}
"""n: t(0.975, n - 1), in closed form for 1, 2 and 4 degrees of freedom."""


@pytest.mark.parametrize("n", QUANTILES)
def test_interval_has_the_width_of_the_closed_form(n: int) -> None:
    values = [float(i) for i in range(n)]
    found = summary(values)
    sd = math.sqrt(n * (n + 1) / 12)  # of 0, ..., n - 1, with n - 1
    half = QUANTILES[n] * sd / math.sqrt(n)
    assert found.n == n
    assert found.mean == (n - 1) / 2
    assert found.sd == pytest.approx(sd, rel=1e-14)
    assert found.low == pytest.approx((n - 1) / 2 - half, rel=1e-9)
    assert found.high == pytest.approx((n - 1) / 2 + half, rel=1e-9)
    assert found.lost == 0


def test_interval_holds_the_mean_in_95_of_100_repetitions() -> None:
    """Of 4000 experiments with 3 seeds each 95 +- 0.34 %; a normal interval would hold 81 % of them."""
    rng = random.Random(0)
    held = 0
    for _ in range(4000):
        found = summary([rng.gauss(5.0, 2.0) for _ in range(3)])
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 5.0 <= found.high
    assert abs(held / 4000 - 0.95) < 4 * math.sqrt(0.95 * 0.05 / 4000)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], Summary(0, None, None, None, None, 0)),
        ([2.5], Summary(1, 2.5, None, None, None, 0)),
        ([0.1, 0.1, 0.1], Summary(3, 0.1, 0.0, 0.1, 0.1, 0)),
        ([None, math.nan], Summary(0, None, None, None, None, 2)),
    ],
)
def test_few_or_equal_values(values: list[Number], expected: Summary) -> None:
    assert summary(values) == expected


def test_lost_seeds_are_counted_and_left_out() -> None:
    found = summary([1.0, None, 3.0, math.nan, math.inf, -math.inf])
    assert (found.n, found.mean, found.lost) == (2, 2.0, 4)
    assert (found.low, found.high) == (summary([1.0, 3.0]).low, summary([1.0, 3.0]).high)


def test_order_and_size_of_the_values_do_not_matter() -> None:
    values = [1e16, 1.0, -1e16, 0.3, 2e-8]
    assert summary(values) == summary(values[::-1])
    assert summary([1e308, 1e308]).mean == 1e308
    assert summary([1e15 + 1, 1e15 + 2, 1e15 + 3]).sd == 1.0
