"""Fréchet distance at infinitely many samples, on Gaussians whose distance is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ganpipe.metrics.frechet import Moments, frechet, frechet_distance
from ganpipe.metrics.frechet_extrapolated import frechet_extrapolated, line

EXACT = Moments.exact(np.zeros(12), np.eye(12))


def test_exact_sampler_is_at_zero_though_every_finite_distance_is_above() -> None:
    rng = np.random.default_rng(0)
    found = [
        frechet_extrapolated(generated=rng.normal(size=(3000, 12)), real=EXACT, smallest=300, rng=rng)
        for _ in range(20)
    ]
    values = np.array([one.distance for one in found])
    assert abs(values.mean()) < 4 * values.std() / np.sqrt(20)
    assert abs(values.mean()) < 0.2 * np.mean([one.distances[-1] for one in found])
    assert all((one.distances > 0.01).all() for one in found)
    assert (found[0].sizes[0], found[0].sizes[-1], len(found[0].sizes)) == (300, 3000, 15)
    # to first order the mean adds d / N and the covariance d (d + 1) / 4 N
    assert np.mean([one.slope for one in found]) == pytest.approx(12 + 12 * 13 / 4, rel=0.1)


def test_a_shifted_sampler_keeps_its_distance() -> None:
    rng = np.random.default_rng(1)
    values = []
    for _ in range(8):
        made = rng.normal(size=(2000, 12)) * 1.1 + 0.2
        values.append(frechet_extrapolated(generated=made, real=EXACT, smallest=200, rng=rng).distance)
    expected = frechet(Moments.exact(np.full(12, 0.2), 1.21 * np.eye(12)), EXACT)
    assert expected == pytest.approx(12 * 0.04 + 12 * 0.01, rel=1e-9)
    assert abs(np.mean(values) - expected) < 4 * np.std(values) / np.sqrt(8)
    assert abs(np.mean(values) - expected) < 0.05 * expected


def test_collapsed_generator_is_far_whatever_n() -> None:
    rng = np.random.default_rng(2)
    collapsed = 0.01 * rng.normal(size=(400, 12))
    found = frechet_extrapolated(generated=collapsed, real=EXACT, smallest=100, rng=rng)
    assert found.distance == pytest.approx(12 * 0.99**2, rel=0.01)
    exact = frechet_extrapolated(generated=rng.normal(size=(400, 12)), real=EXACT, smallest=100, rng=rng)
    assert exact.distance < 0.05 * found.distance


def test_two_halves_are_nearer_to_zero_than_their_distance_at_n() -> None:
    rng = np.random.default_rng(3)
    features = rng.gamma(2.0, size=(20_000, 6))
    found = frechet_extrapolated(generated=features[:2000], real=Moments.of(features[2000:]), smallest=200, rng=rng)
    assert abs(found.distance) < 0.4 * frechet_distance(generated=features[:2000], real=features[2000:])


def test_the_last_point_is_the_distance_of_all_samples() -> None:
    rng = np.random.default_rng(4)
    made = rng.normal(size=(300, 12))
    found = frechet_extrapolated(generated=made, real=EXACT, smallest=50, points=5, rng=rng)
    assert found.distances[-1] == pytest.approx(frechet(Moments.of(made), EXACT), rel=1e-9)


def test_line_agrees_with_scipy() -> None:
    from scipy.stats import linregress

    rng = np.random.default_rng(5)
    sizes = np.array([100, 150, 300, 500, 900])
    distances = 2.0 + 30.0 / sizes + 0.01 * rng.normal(size=5)
    theirs = linregress(1.0 / sizes, distances)
    found = line(sizes, distances)
    assert found.distance == pytest.approx(theirs.intercept, rel=1e-10)
    assert found.slope == pytest.approx(theirs.slope, rel=1e-10)
    assert found.error == pytest.approx(theirs.intercept_stderr, rel=1e-8)


@pytest.mark.parametrize(
    ("generated", "smallest", "points", "sentence"),
    [
        (np.zeros((50, 12)), 10, 2, "^points is 2"),
        (np.zeros((50, 12)), 1, 5, "^smallest is 1: it should be from 2 to 45"),
        (np.zeros((50, 12)), 46, 5, "^smallest is 46"),
        (np.zeros((50, 3)), 10, 5, "^The number of features differs"),
        (np.full((50, 12), np.inf), 10, 5, "^generated has values"),
    ],
)
def test_bad_input_is_refused(generated: Any, smallest: int, points: int, sentence: str) -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=sentence):
        frechet_extrapolated(generated=generated, real=EXACT, smallest=smallest, points=points, rng=rng)


@pytest.mark.parametrize(("sizes", "distances"), [([1, 2], [1, 2]), ([1, 1, 2], [1, 2, 3]), ([1, 2, 3], [1, 2])])
def test_a_line_needs_three_sizes(sizes: Any, distances: Any) -> None:
    with pytest.raises(ValueError, match=r"^A line needs distances at 3 sizes"):
        line(sizes, distances)
