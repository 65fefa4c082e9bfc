"""Two variants: Welch against the textbook, A12 against all pairs, Holm by hand, and lost seeds."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from ganpipe.statistics import Better, Difference, Number, Superiority, a12, holm, summary, welch
from ganpipe.statistics.differences import welch_p_values


@pytest.mark.parametrize(("n", "m"), [(2, 2), (2, 7), (40, 20)])
@pytest.mark.parametrize("spread", [0.0, 0.01, 30.0])
@pytest.mark.parametrize("unit", [1e-300, 1.0, 1e300])
def test_welch_is_the_textbook_formula(n: int, m: int, spread: float, unit: float) -> None:
    rng = np.random.default_rng([n, m])
    a, b = rng.normal(3.0, 1.0, n), 2.0 + rng.normal(2.0, 1.0, m) * spread
    found = welch((a * unit).tolist(), (b * unit).tolist())
    parts = a.var(ddof=1) / n, b.var(ddof=1) / m
    error, difference = math.sqrt(sum(parts)), a.mean() - b.mean()
    degrees = sum(parts) ** 2 / (parts[0] ** 2 / (n - 1) + parts[1] ** 2 / (m - 1))
    half = special.stdtrit(degrees, 0.975) * error
    assert found.degrees == pytest.approx(degrees)
    assert found.p == pytest.approx(2 * special.stdtr(degrees, -abs(difference) / error))
    assert [found.value, found.low, found.high] == [
        pytest.approx(value * unit, abs=1e-12 * unit) for value in (difference, difference - half, difference + half)
    ]


def test_many_p_values_at_once_are_those_of_single_tests() -> None:
    rng = np.random.default_rng(0)
    groups = [rng.normal(mean, sd, n) for mean, sd, n in ((0, 1, 5), (1, 2, 8), (3, 0, 5), (3, 0, 2), (4, 0, 6))]
    sides = [(group * unit).tolist() for group in groups for unit in (1.0, 1e300)]
    pairs = list(combinations(sides, 2))
    found = welch_p_values([(summary(a), summary(b)) for a, b in pairs])
    assert found == pytest.approx([welch(a, b).p for a, b in pairs], rel=1e-9, abs=1e-15)
    assert welch_p_values([]) == []


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


VALUES = st.lists(st.one_of(st.none(), st.integers(-3, 3).map(float), st.just(math.nan)), min_size=1, max_size=5)


def wins(a: list[Number], b: list[Number], better: Better) -> float:
    """The share of pairs that the first wins, pair by pair."""
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


def test_swapping_the_sides_mirrors_the_interval() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.normal(0.0, 1.0, 8).tolist(), rng.normal(0.7, 2.0, 6).tolist()
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


@pytest.mark.parametrize(("n", "m"), [(2, 2), (5, 20)])
def test_where_one_side_always_wins_the_interval_is_newcombes(n: int, m: int) -> None:
    found = a12([1.0] * n, [2.0] * m, "lower")
    assert (found.value, found.high, found.how) == (1.0, 1.0, "Newcombe")
    assert found.low is not None
    assert 1 - found.low == pytest.approx(1.959964 * hanley_mcneil(found.low, n, m), rel=1e-5)
    turned = a12([1.0] * n, [2.0] * m, "higher")
    assert (turned.value, turned.low) == (0.0, 0.0)
    assert turned.high == pytest.approx(1 - found.low)


def test_equal_values_have_newcombes_interval_about_one_half() -> None:
    found = a12([8.0] * 5, [8.0] * 5, "higher")
    assert (found.value, found.how) == (0.5, "Newcombe")
    assert found.low is not None
    assert found.high == pytest.approx(1 - found.low)
    assert 0.5 - found.low == pytest.approx(1.959964 * hanley_mcneil(found.low, 5, 5), rel=1e-5)


def test_interval_of_a12_holds_the_probability() -> None:
    """With 6 seeds a side no less often than 95 of 100 times, up to the chance of 120 experiments."""
    rng, shift = np.random.default_rng(5), 1.5
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
        ([], []),
    ],
)
def test_holm_by_hand(p: list[float], adjusted: list[float]) -> None:
    assert holm(p) == pytest.approx(adjusted)
