"""Exact transport against the sorted difference, closed forms and the assignment problem."""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ganpipe.metrics import wasserstein
from ganpipe.metrics.wasserstein import transport


def standard_normal(n: int) -> NDArray[np.float64]:
    """The quantiles of N(0, 1) at the middles of n equal shares, (n, 1)."""
    from scipy.special import ndtri

    return np.asarray(ndtri((np.arange(n) + 0.5) / n), dtype=np.float64)[:, None]


def test_one_dimension_is_the_sorted_difference() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(200, 1)), rng.gamma(2.0, size=(200, 1))
    expected = np.abs(np.sort(first, axis=0) - np.sort(second, axis=0)).mean()
    assert transport(generated=first, real=second).distance == pytest.approx(expected, rel=1e-12)


def test_unequal_sizes_are_the_area_between_the_distribution_functions() -> None:
    rng = np.random.default_rng(1)
    first, second = np.sort(rng.normal(size=150)), np.sort(rng.normal(size=70) + 0.5)
    steps = np.sort(np.concatenate([first, second]))
    below = [np.searchsorted(x, steps[:-1], side="right") / len(x) for x in (first, second)]
    expected = np.abs(below[0] - below[1]) @ np.diff(steps)
    assert transport(generated=first[:, None], real=second[:, None]).distance == pytest.approx(expected, rel=1e-12)


def test_normal_against_twice_as_wide() -> None:
    """W1 = E|z| = sqrt(2 / pi); the quantile grid of 1000 points cuts 0.0005 off the tails."""
    grid = standard_normal(1000)
    distance = transport(generated=grid, real=2 * grid).distance
    assert distance == pytest.approx(math.sqrt(2 / math.pi), abs=1e-3)
    assert distance == pytest.approx(np.abs(grid).mean(), rel=1e-12)


@pytest.mark.parametrize("theta", [0.25, 3.0])
def test_parallel_lines_are_at_their_distance(theta: float) -> None:
    heights = np.random.default_rng(2).uniform(size=300)
    first = np.stack([np.zeros(300), heights], axis=1)
    second = np.stack([np.full(300, theta), heights[::-1]], axis=1)
    assert transport(generated=first, real=second).distance == pytest.approx(theta, rel=1e-12)


def test_equal_sizes_solve_the_assignment_problem() -> None:
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist

    rng = np.random.default_rng(3)
    first, second = rng.normal(size=(250, 2)), rng.normal(size=(250, 2)) + np.array([1, 0])
    costs = cdist(first, second)
    found = transport(generated=first, real=second)
    assert found.distance == pytest.approx(costs[linear_sum_assignment(costs)].mean(), rel=1e-12)


def test_plan_has_the_marginals_and_the_cost() -> None:
    rng = np.random.default_rng(4)
    first, second = rng.normal(size=(60, 2)), rng.normal(size=(45, 2)) + np.array([2, 0])
    found = transport(generated=first, real=second)
    np.testing.assert_allclose(np.bincount(found.origin, found.mass, 60), 1 / 60, rtol=1e-9)
    np.testing.assert_allclose(np.bincount(found.target, found.mass, 45), 1 / 45, rtol=1e-9)
    lengths = np.linalg.norm(first[found.origin] - second[found.target], axis=1)
    assert found.distance == pytest.approx(found.mass @ lengths, rel=1e-12)
    assert len(found.mass) < 60 + 45
    # origin and target are not interchangeable: the mean move is the difference of the means, with its sign
    move = found.mass @ (second[found.target] - first[found.origin])
    np.testing.assert_allclose(move, second.mean(axis=0) - first.mean(axis=0), rtol=1e-9)


@pytest.mark.parametrize("scale", [1e-16, 1e25])
def test_the_distance_scales_with_the_samples(scale: float) -> None:
    """The solver alone takes costs of 1e-16 for equal and is 38 % off."""
    rng = np.random.default_rng(5)
    first, second = rng.normal(size=(80, 2)), rng.normal(size=(60, 2)) + 1
    distance = transport(generated=first, real=second).distance
    scaled = transport(generated=first * scale, real=second * scale).distance
    assert scaled == pytest.approx(scale * distance, rel=1e-9, abs=0.0)


def test_exact_sampler_halves_and_a_collapsed_generator() -> None:
    """Of a standard normal in the plane, all mass in the middle moves by the mean of a Rayleigh distribution."""
    rng = np.random.default_rng(6)
    real, exact = rng.normal(size=(600, 2)), rng.normal(size=(600, 2))
    floor = transport(generated=exact, real=real).distance
    halves = transport(generated=real[::2], real=real[1::2]).distance
    assert 0.0 < floor < 0.2
    assert floor < halves < 2 * floor  # half as many samples are further apart
    collapsed = transport(generated=np.zeros((600, 2)), real=real).distance
    assert collapsed == pytest.approx(math.sqrt(math.pi / 2), rel=0.05)


def test_swapped_samples_are_at_the_same_distance_by_the_plan_turned_round() -> None:
    rng = np.random.default_rng(7)
    first, second = rng.normal(size=(40, 2)), rng.normal(size=(70, 2)) + 1
    there, back = transport(generated=first, real=second), transport(generated=second, real=first)
    assert there.distance == pytest.approx(back.distance, rel=1e-12)
    assert there.origin.max() == back.target.max() == 39
    assert there.target.max() == back.origin.max() == 69


def test_identical_samples_are_at_distance_zero() -> None:
    samples = np.random.default_rng(5).normal(size=(80, 2))
    assert transport(generated=samples, real=samples[::-1]).distance == 0.0
    assert transport(generated=samples[:1], real=samples[:1]).distance == 0.0


def test_an_unfinished_solution_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wasserstein, "PIVOTS", 3)
    rng = np.random.default_rng(6)
    with pytest.raises(RuntimeError, match="not solved: numItermax reached"):
        transport(generated=rng.normal(size=(50, 2)), real=rng.normal(size=(50, 2)))


def test_the_environment_is_left_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever imports POT for its other arrays later finds neither a switch set nor one taken away."""
    for key in wasserstein.OTHER_ARRAYS:
        monkeypatch.delenv(key, raising=False)
    monkeypatch.setenv(wasserstein.OTHER_ARRAYS[0], "mine")
    before = dict(os.environ)
    transport(generated=[[0.0]], real=[[1.0]])
    assert dict(os.environ) == before


@pytest.mark.parametrize(
    ("generated", "real", "sentence"),
    [
        (np.zeros((0, 2)), np.zeros((3, 2)), "^generated has 0 samples"),
        (np.zeros((3, 2)), np.zeros((3, 1)), "^The number of features differs"),
        (np.zeros((3, 2)), np.zeros(3), "^real should have the shape"),
        (np.full((3, 2), np.nan), np.zeros((3, 2)), "^generated has values that are not finite"),
    ],
)
def test_bad_input_is_refused(generated: Any, real: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        transport(generated=generated, real=real)
