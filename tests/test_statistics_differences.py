"""Two variants: Welch against SciPy, A12 against all pairs, Holm by hand, and what a lost seed does."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ganpipe.statistics import Better, Difference, Number, Superiority, a12, holm, welch


@pytest.mark.parametrize(("n", "m"), [(2, 2), (2, 7), (5, 5), (6, 3), (40, 20)])
@pytest.mark.parametrize("spread", [0.0, 0.01, 1.0, 30.0])
def test_welch_is_scipys(n: int, m: int, spread: float) -> None:
    rng = np.random.default_rng([n, m])
    a, b = rng.normal(3.0, 1.0, n), rng.normal(2.0, 1.0, m) * spread
    found = welch(a.tolist(), b.tolist())
    theirs = stats.ttest_ind(a, b, equal_var=False)
    limits = theirs.confidence_interval(0.95)
    assert found.value == pytest.approx(a.mean() - b.mean())
    assert found.degrees == pytest.approx(theirs.df)
    assert found.p == pytest.approx(theirs.pvalue)
    assert (found.low, found.high) == (pytest.approx(limits.low), pytest.approx(limits.high))


def test_welchs_interval_holds_the_difference_in_95_of_100_repetitions() -> None:
    """Of 3000 experiments with 4 and 6 seeds and unequal spreads 95 +- 0.4 %."""
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(3000):
        found = welch(rng.normal(1.0, 3.0, 4).tolist(), rng.normal(0.0, 1.0, 6).tolist())
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 1.0 <= found.high
    assert abs(held / 3000 - 0.95) < 0.015


def test_without_spread_the_p_value_is_that_of_all_permutations() -> None:
    a, b = [8.0] * 5, [7.0] * 4
    found = welch(a, b)
    exact = stats.permutation_test((a, b), lambda x, y: np.mean(x) - np.mean(y), n_resamples=np.inf)
    assert found == Difference(1.0, 1.0, 1.0, None, pytest.approx(exact.pvalue), (0, 0))
    assert welch(a, a) == Difference(0.0, 0.0, 0.0, None, 1.0, (0, 0))


def test_welch_with_few_and_with_lost_seeds() -> None:
    assert welch([], [1.0, 2.0]) == Difference(None, None, None, None, None, (0, 0))
    assert welch([4.0], [1.0, 2.0]) == Difference(2.5, None, None, None, None, (0, 0))
    assert welch([4.0, None, math.nan], [1.0, 2.0, math.inf]) == Difference(None, None, None, None, None, (2, 1))


def test_very_large_and_very_small_spreads() -> None:
    large, small = welch([1e300, 2e300], [0.0, 1e300]), welch([1e-300, 2e-300], [0.0, 1e-300])
    usual = welch([1.0, 2.0], [0.0, 1.0])
    assert large.p == pytest.approx(usual.p)
    assert small.p == pytest.approx(usual.p)
    assert small.degrees == pytest.approx(2.0)


VALUES = st.lists(st.one_of(st.none(), st.integers(-3, 3).map(float), st.just(math.nan)), min_size=1, max_size=5)


def wins(a: list[Number], b: list[Number], better: Better) -> float:
    """The share of pairs that the first wins, said pair by pair."""
    total = 0.0
    for one in a:
        for other in b:
            lost = [value is None or math.isnan(value) for value in (one, other)]
            if any(lost):
                total += 0.5 if all(lost) else float(lost[1])
            else:
                assert one is not None
                assert other is not None
                total += 0.5 if one == other else float((one < other) == (better == "lower"))
    return total / (len(a) * len(b))


@given(VALUES, VALUES, st.sampled_from(["lower", "higher"]))
def test_a12_is_the_share_of_all_pairs(a: list[Number], b: list[Number], better: Better) -> None:
    found, swapped = a12(a, b, better), a12(b, a, better)
    assert found.value == pytest.approx(wins(a, b, better))
    assert swapped.value == pytest.approx(1 - wins(a, b, better))
    assert swapped.lost == found.lost[::-1]
    if min(len(a), len(b)) < 2:
        assert (found.low, found.high, found.how) == (None, None, "fewer than 2 seeds")
    else:
        assert found.low is not None
        assert found.high is not None
        assert found.value is not None
        assert 0 <= found.low <= found.value <= found.high <= 1
        assert found.high > found.low


def test_swapping_turns_everything_around() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.normal(0.0, 1.0, 8).tolist(), rng.normal(0.7, 2.0, 6).tolist()
    there, back = welch(a, b), welch(b, a)
    assert there.low is not None
    assert there.high is not None
    assert there.value is not None
    assert (back.value, back.low, back.high, back.p) == (-there.value, -there.high, -there.low, there.p)
    ahead, behind = a12(a, b, "lower"), a12(b, a, "lower")
    assert ahead.how == behind.how == "BCa"
    assert ahead.low is not None
    assert ahead.high is not None
    assert behind.low == pytest.approx(1 - ahead.high, abs=0.03)  # other resamples
    assert behind.high == pytest.approx(1 - ahead.low, abs=0.03)
    assert a12([-value for value in a], [-value for value in b], "higher") == ahead


def test_lost_seeds_count_as_worse_than_any_number() -> None:
    for better in ("lower", "higher"):
        whole: list[Number] = [1.0, 2.0, 3.0, 4.0]
        found = a12([None, *whole[1:]], whole, better)
        assert found.lost == (1, 0)
        assert found.value == pytest.approx(wins([None, *whole[1:]], whole, better))
        assert a12([None, None], [1e9, -1e9], better).value == 0.0
        assert a12([None, None], [None, math.inf], better).value == 0.5


def hanley_mcneil(theta: float, n: int, m: int) -> float:
    """The standard error of A12 of Hanley and McNeil 1982, with the mean of n and m where Newcombe has it."""
    rest = (n + m) / 2 - 1
    one, other = theta / (2 - theta) - theta**2, 2 * theta**2 / (1 + theta) - theta**2
    return math.sqrt((theta * (1 - theta) + rest * one + rest * other) / (n * m))


@pytest.mark.parametrize(("n", "m"), [(2, 2), (5, 5), (5, 20), (100, 100)])
def test_where_one_side_always_wins_doubt_depends_on_the_seeds(n: int, m: int) -> None:
    found = a12([1.0] * n, [2.0] * m, "lower")
    assert (found.value, found.high, found.how) == (1.0, 1.0, "Newcombe")
    assert found.low is not None
    assert 1 - found.low == pytest.approx(1.959964 * hanley_mcneil(found.low, n, m), rel=1e-5)
    turned = a12([1.0] * n, [2.0] * m, "higher")
    assert (turned.value, turned.low) == (0.0, 0.0)
    assert turned.high == pytest.approx(1 - found.low)


def test_equal_values_leave_the_same_doubt_on_both_sides() -> None:
    found = a12([8.0] * 5, [8.0] * 5, "higher")
    assert (found.value, found.how) == (0.5, "Newcombe")
    assert found.low is not None
    assert found.high == pytest.approx(1 - found.low)
    assert 0.5 - found.low == pytest.approx(1.959964 * hanley_mcneil(found.low, 5, 5), rel=1e-5)


@pytest.mark.parametrize("shift", [0.0, 1.5])
def test_interval_of_a12_holds_the_probability(shift: float) -> None:
    """With 6 seeds a side no less often than 95 of 100 times, save for the luck of 120 experiments."""
    rng = np.random.default_rng(5)
    truth = stats.norm.cdf(shift / math.sqrt(2))
    held = 0
    for _ in range(120):
        found = a12((rng.normal(size=6) - shift).tolist(), rng.normal(size=6).tolist(), "lower")
        assert found.low is not None
        assert found.high is not None
        held += found.low <= truth <= found.high
    assert held >= 0.91 * 120


def test_a12_without_seeds() -> None:
    assert a12([], [1.0], "lower") == Superiority(None, None, None, "fewer than 2 seeds", (0, 0))


@pytest.mark.parametrize(
    ("p", "adjusted"),
    [
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),  # 4 * 0.005, 3 * 0.01, 2 * 0.03, and no less than that
        ([0.5, 0.9, 0.02], [1.0, 1.0, 0.06]),
        ([0.02, 0.02], [0.04, 0.04]),
        ([0.3], [0.3]),
        ([], []),
    ],
)
def test_holm_by_hand(p: list[float], adjusted: list[float]) -> None:
    assert holm(p) == pytest.approx(adjusted)
