"""Rankings: recovered, uncertain, refused with few seeds, and never led by a variant that lost seeds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from ganpipe.statistics import Number, Ranking, holm, rank

Groups = dict[str, list[Number]]


def experiment(rng: np.random.Generator, truth: list[float], n: int) -> Groups:
    return {f"v{index}": rng.normal(mean, 1.0, n).tolist() for index, mean in enumerate(truth)}


def order(ranking: Ranking) -> list[str]:
    return [one.name for one in ranking.ranks]


def test_means_far_apart_are_ranked_with_certainty() -> None:
    groups = experiment(np.random.default_rng(0), [40.0, 0.0, 20.0], 5)
    found = rank(groups, "lower")
    assert found.resolved
    assert (order(found), found.best, found.pairs) == (["v1", "v2", "v0"], "v1", 3)
    assert [(p.rank, p.mean_rank, p.low, p.high) for p in found.ranks] == [(i, i, i, i) for i in (1, 2, 3)]
    assert [one.differs_from_next for one in found.ranks] == [True, True, False]  # nothing stands behind the last


def test_p_values_are_those_of_all_pairs() -> None:
    groups = experiment(np.random.default_rng(1), [0.0, 1.0, 2.5], 6)
    found = rank(groups, "lower")
    first, second, third = (groups[name] for name in order(found))
    raw = [
        stats.ttest_ind(*pair, equal_var=False).pvalue for pair in ((first, second), (first, third), (second, third))
    ]
    near, far, behind = holm([float(p) for p in raw])
    assert [one.p_best for one in found.ranks] == [None, pytest.approx(near), pytest.approx(far)]
    assert [one.p_next for one in found.ranks] == [pytest.approx(near), pytest.approx(behind), None]


def test_neighbours_that_hardly_differ_are_not_told_apart() -> None:
    groups: Groups = {"a": [1.0, 1.2, 0.9, 1.1, 1.0], "b": [1.1, 1.0, 1.2, 1.0, 1.0], "c": [9.0, 9.1, 9.2, 9.0, 9.1]}
    found = rank(groups, "lower")
    assert order(found) == ["a", "b", "c"]
    assert [one.differs_from_next for one in found.ranks] == [False, True, False]
    assert [(one.low, one.high) for one in found.ranks] == [(1, 2), (1, 2), (3, 3)]
    assert 1.0 < found.ranks[0].mean_rank < found.ranks[1].mean_rank < 2.0


def test_higher_is_better_turns_the_order_around() -> None:
    groups = experiment(np.random.default_rng(2), [0.0, 0.5, 1.0, 3.0], 5)
    turned: Groups = {name: [-(value or 0.0) for value in values] for name, values in groups.items()}
    assert rank(turned, "higher") == rank(groups, "lower")
    assert order(rank(groups, "higher")) == order(rank(groups, "lower"))[::-1]


def test_neither_the_order_of_the_seeds_nor_that_of_the_variants_matters() -> None:
    groups = experiment(np.random.default_rng(3), [0.0, 0.5, 1.0], 6)
    assert rank({name: groups[name][::-1] for name in reversed(groups)}, "lower") == rank(groups, "lower")


@pytest.mark.parametrize("n", [1, 4])
def test_few_seeds_have_no_ranks_but_a_best_mean(n: int) -> None:
    groups = experiment(np.random.default_rng(n), [30.0, 0.0, 60.0], n)
    assert rank(groups, "lower") == Ranking((), n, "v1", 0)
    assert not rank(groups, "lower").resolved


def test_one_variant_with_few_seeds_prevents_the_ranking() -> None:
    groups = experiment(np.random.default_rng(0), [0.0, 9.0], 7)
    assert rank(groups, "lower").resolved
    assert rank({**groups, "short": [1.0] * 4}, "lower") == Ranking((), 4, "v0", 0)
    assert rank({"alone": [1.0] * 9}, "lower") == Ranking((), 9, "alone", 0)
    assert rank({}, "lower") == Ranking((), 0, None, 0)


@pytest.mark.parametrize("better", ["lower", "higher"])
def test_lost_seeds_rank_behind_all_others(better: str) -> None:
    sign = 1.0 if better == "lower" else -1.0
    groups: Groups = {
        "two lost": [None, math.inf, 0.0, 0.0, 0.0],
        "one lost": [sign * -99.0, sign * -98.0, sign * -99.0, math.nan, sign * -99.0],
        "whole": [sign * value for value in (50.0, 51.0, 52.0, 50.0, 51.0)],
        "one lost, worse": [sign * 5.0, sign * 6.0, sign * 5.0, math.nan, sign * 5.0],
        "all lost": [None] * 5,
    }
    found = rank(groups, "lower" if better == "lower" else "higher")
    assert order(found) == ["whole", "one lost", "one lost, worse", "two lost", "all lost"]
    assert [one.lost for one in found.ranks] == [0, 1, 1, 2, 5]
    assert (found.best, found.pairs) == ("whole", 0)
    assert {(one.low, one.high, one.mean_rank, one.p_best) for one in found.ranks[1:]} == {(2, 5, 3.5, None)}


def test_where_all_have_lost_seeds_none_is_best() -> None:
    found = rank({"a": [None, 1.0, 1.0, 1.0, 1.0], "b": [2.0, 2.0, 2.0, 2.0, None]}, "lower")
    assert (found.best, order(found)) == (None, ["a", "b"])


def test_equal_variants_share_their_rank() -> None:
    found = rank({name: [8.0] * 5 for name in "abc"}, "higher")
    assert {(p.rank, p.mean_rank, p.low, p.high) for p in found.ranks} == {(2.0, 2.0, 2.0, 2.0)}
    assert [one.p_best for one in found.ranks] == [None, 1.0, 1.0]


def test_very_large_values_are_ranked() -> None:
    found = rank({"a": [1e308, 1.1e308, 1.2e308, 1e308, 1e308], "b": [1.0, 2.0, 3.0, 4.0, 5.0]}, "lower")
    assert order(found) == ["b", "a"]
    assert [one.high for one in found.ranks] == [1, 2]


@pytest.mark.parametrize(("step", "least"), [(1.0, 0.97), (0.3, 0.9)])
def test_intervals_hold_the_true_rank_most_of_the_time(step: float, least: float) -> None:
    """6 variants with 5 seeds each; neighbours differ by `step` standard deviations of a seed."""
    rng = np.random.default_rng(7)
    held = 0
    for _ in range(80):
        found = rank(experiment(rng, [step * index for index in range(6)], 5), "lower")
        held += sum(one.low <= int(one.name[1:]) + 1 <= one.high for one in found.ranks)
    assert held / 480 >= least


def test_equal_variants_are_seldom_called_worse() -> None:
    """8 equal variants with 6 seeds: at most in 5 % of experiments, though the data say which is the best."""
    rng = np.random.default_rng(8)
    wrong = 0
    for _ in range(150):
        found = rank(experiment(rng, [0.0] * 8, 6), "lower")
        wrong += any(one.p_best is not None and one.p_best < 0.05 for one in found.ranks)
        assert found.pairs == 28
    assert wrong / 150 <= 0.05
