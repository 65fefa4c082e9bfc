"""Statistics over data sets: by hand, by published examples, and on values whose truth is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import friedmanchisquare

from ganpipe.statistics.across import (
    critical_difference,
    data_sets_needed,
    interquartile_mean,
    mean_ranks,
    performance_profile,
    probability_of_improvement,
)

# of rliable's tests/rliable/metrics_test.py, which has a row for each run: here one for each data set
X, Y = [[1, 2, 1, 2], [2, 2, 1, 1]], [[1, 2, 3], [1, 2, 3]]
# Demšar 2006, table 6: ranks of C4.5, C4.5+m, C4.5+cf and C4.5+m+cf on 14 data sets
DEMSAR = [
    (4, 3, 2, 1), (1, 2, 3, 4), (4, 1, 2, 3), (4, 1, 3, 2), (4, 2, 3, 1), (1, 2.5, 4, 2.5), (3, 2, 4, 1),
    (2.5, 2.5, 4, 1), (4, 3, 2, 1), (2.5, 2.5, 2.5, 2.5), (4, 2.5, 1, 2.5), (3, 2, 4, 1), (4, 1, 2, 3), (3, 1, 4, 2),
]  # fmt: skip


def test_the_published_examples() -> None:
    assert (interquartile_mean(X).value, interquartile_mean(Y).value) == (1.5, 2.0)
    assert probability_of_improvement(X, Y).value == pytest.approx(1 / 3)
    found = mean_ranks(-np.array(DEMSAR).T)
    assert found.ranks == pytest.approx([3.143, 2.000, 2.893, 1.964], abs=5e-4)
    assert found.critical_difference == pytest.approx(1.25, abs=5e-3)
    # 14 data sets are many enough for the chi-squared
    assert found.p == pytest.approx(friedmanchisquare(*zip(*DEMSAR, strict=True)).pvalue, abs=0.005)


def test_by_hand() -> None:
    # of 8 runs the two lowest and the two highest are left out
    assert interquartile_mean([[-100.0, 1.0, 2.0, 3.0], [0.0, 4.0, 5.0, 900.0]]).value == (1 + 2 + 3 + 4) / 4
    # 3 of 4 pairs and a tie, then none of 2: data sets weigh the same, whatever their runs
    assert probability_of_improvement([[1.0, 3.0], [0.0]], [[0.0, 1.0], [1.0, 2.0]]).value == (3.5 / 4 + 0) / 2
    profile = performance_profile([[0.0, 1.0], [0.5, 0.5]], [-0.1, 0.0, 0.5, 1.0])
    assert profile.share == (1.0, 0.75, 0.25, 0.0)
    # of two runs a quarter of the resamples holds only the first: a half of both ends is far inside of 95 %
    assert profile.low is not None
    assert profile.high is not None
    assert (profile.low[1], profile.high[1]) == (0.5, 1.0)


def test_a_single_run_has_no_interval_and_equal_runs_have_one_without_width() -> None:
    assert interquartile_mean([[0.5], [0.1, 0.3]]).low is None
    assert performance_profile([[0.5], [0.1, 0.3]], [0.2]).low is None
    equal = interquartile_mean([[0.5, 0.5], [0.5, 0.5]])
    assert (equal.low, equal.high) == (0.5, 0.5)


@pytest.mark.parametrize(("runs", "iqm", "improvement"), [(3, 0.86, 0.90), (5, 0.89, 0.93)])
def test_coverage(runs: int, iqm: float, improvement: float) -> None:
    """Three data sets with means of their own, so that resampling across them would be far too wide."""
    rng, held, cases = np.random.default_rng(0), np.zeros(2), 200
    truth = (1 + math.erf(-0.5 / 2)) / 2  # that a run with a mean half a standard deviation lower is better
    for _ in range(cases):
        a, b = (
            [(m + 0.1 * rng.normal(size=runs)).tolist() for m in means] for means in ((1, 2, 3), (1.05, 2.05, 3.05))
        )
        for place, (found, value) in enumerate(
            [(interquartile_mean(a), 2.0), (probability_of_improvement(a, b), truth)]
        ):
            assert found.low is not None
            assert found.high is not None
            held[place] += found.low <= value <= found.high
            assert place or found.high - found.low < 0.5
    assert held / cases == pytest.approx([iqm, improvement], abs=0.05)


@pytest.mark.parametrize(("data_sets", "variants"), [(3, 3), (3, 4), (5, 6), (10, 6)])
def test_equal_variants_are_seldom_called_distinct(data_sets: int, variants: int) -> None:
    rng = np.random.default_rng(0)
    ranks = rng.permuted(np.broadcast_to(np.arange(1.0, variants + 1), (4000, data_sets, variants)), axis=-1).mean(1)
    assert (np.ptp(ranks, axis=-1) > critical_difference(variants, data_sets)).mean() < 0.055
    p = [mean_ranks(rng.normal(size=(variants, data_sets))).p for _ in range(100)]
    assert np.mean(np.array(p) < 0.2) == pytest.approx(0.2, abs=0.12)


def test_data_sets_needed() -> None:
    for variants in (3, 4, 10):
        needed = data_sets_needed(variants)
        assert critical_difference(variants, needed) < variants - 1 <= critical_difference(variants, needed - 1)
