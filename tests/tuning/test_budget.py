"""Tuning with a budget: values by hand, and bands that hold what they should."""

from __future__ import annotations

import numpy as np
import pytest

from ganpipe.statistics.budget import compare, expected_best, within


def test_expected_best_by_hand() -> None:
    # 1, 2, 4: of two draws with replacement 1 is the best with 5/9, 2 with 3/9, 4 with 1/9
    found = expected_best([4.0, 1.0, 2.0], [1, 2, 50])
    assert found[0] == pytest.approx(7 / 3)
    assert found[1] == pytest.approx((5 * 1 + 3 * 2 + 1 * 4) / 9)
    assert found[2] == pytest.approx(1.0, abs=1e-6)


def test_the_curve_of_uniform_numbers_is_that_of_theory() -> None:
    values = (np.arange(100_000) + 0.5) / 100_000
    assert expected_best(values, [1, 4, 9]) == pytest.approx([1 / 2, 1 / 5, 1 / 10], abs=1e-4)


def test_the_band_holds_the_mean() -> None:
    """At a budget of 1 it is the bootstrap of a mean, which in 95 % of all cases holds it."""
    rng, held = np.random.default_rng(0), 0
    for _ in range(100):
        curves, _ = compare({"a": rng.normal(size=40).tolist()})
        held += curves["a"].low[0] < 0 < curves["a"].high[0]
    assert 88 <= held <= 99


def test_ranks_where_the_order_turns_with_the_budget() -> None:
    # a is good in one configuration of twenty and bad in the others, b is middling in all
    groups = {"a": [1.0, *[10.0] * 19], "b": [5.0] * 20, "c": [20.0] * 20}
    curves, ranks = compare(groups)
    assert list(ranks) == [1, 5, 20]
    assert [ranks[1][name].rank for name in groups] == [2, 1, 3]
    assert [ranks[20][name].rank for name in groups] == [1, 2, 3]
    assert (ranks[20]["a"].low, ranks[20]["a"].high) == (1, 2)  # a third of all resamples lack its good one
    assert (ranks[20]["c"].low, ranks[20]["c"].high) == (3, 3)
    assert curves["b"].low == curves["b"].high == curves["b"].best


def test_the_share_within_twice_the_best() -> None:
    found = within([1.0, 2.0, 2.1, 8.0], 2.0)
    assert found.share == 0.5
    assert 0.25 <= found.low < found.share < found.high <= 1
