"""Sliced Wasserstein against POT, against the exact distance on a line and where it is known."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from ganpipe.metrics import sliced_wasserstein as module
from ganpipe.metrics.sliced_wasserstein import directions, sliced_along, sliced_wasserstein
from ganpipe.metrics.wasserstein import _solver, transport


@pytest.mark.parametrize("sizes", [(120, 120), (150, 70), (64, 256)])
def test_parity_with_pot(sizes: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    generated, real = rng.gamma(2.0, size=(sizes[0], 9)), rng.normal(size=(sizes[1], 9))
    along = directions(9, 40, rng)
    expected, log = _solver().sliced_wasserstein_distance(generated, real, p=1, projections=along, log=True)
    found = sliced_along(along, generated=generated, real=real)
    assert found.distance == pytest.approx(expected, rel=1e-9)
    np.testing.assert_allclose(found.each, log["projected_emds"], rtol=1e-9)


@pytest.mark.parametrize("sizes", [(30, 30), (30, 21), (7, 50)])
def test_on_a_line_it_is_the_exact_distance(sizes: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    generated, real = rng.normal(size=(sizes[0], 1)), rng.gamma(1.0, size=(sizes[1], 1))
    exact = transport(generated=generated, real=real).distance
    found = sliced_wasserstein(generated=generated, real=real, count=3, rng=rng)
    assert found.distance == pytest.approx(exact, rel=1e-9)
    assert found.error == pytest.approx(0.0, abs=1e-12)


def test_a_shift_is_seen_at_its_mean_projection() -> None:
    """|shift| E|cos| with E|cos| = 2 / pi in the plane, within 4 standard errors; never above the shift."""
    points = np.random.default_rng(2).normal(size=(50, 2))
    found = sliced_wasserstein(
        generated=points + np.array([3.0, 4.0]), real=points, count=4000, rng=np.random.default_rng(3)
    )
    assert abs(found.distance - 5 * 2 / math.pi) < 4 * found.error
    assert found.error == pytest.approx(5 * math.sqrt(1 / 2 - (2 / math.pi) ** 2) / math.sqrt(4000), rel=0.05)
    assert found.each.max() <= 5.0 + 1e-12


def test_it_is_below_the_exact_distance() -> None:
    rng = np.random.default_rng(4)
    generated, real = rng.normal(size=(80, 3)) * 2, rng.normal(size=(80, 3))
    exact = transport(generated=generated, real=real).distance
    assert 0.2 * exact < sliced_wasserstein(generated=generated, real=real, count=200, rng=rng).distance < exact


def test_exact_sampler_halves_and_a_collapsed_generator() -> None:
    rng = np.random.default_rng(5)
    images = rng.normal(size=(1000, 48))
    halves = sliced_wasserstein(generated=images[::2], real=images[1::2], count=50, rng=rng).distance
    collapsed = sliced_wasserstein(generated=np.repeat(images[:1], 500, axis=0), real=images[1::2], count=50, rng=rng)
    assert halves < 0.1
    assert collapsed.distance > 8 * halves
    assert sliced_wasserstein(generated=images, real=images[::-1], count=5, rng=rng).distance == pytest.approx(0.0)


def test_blocks_change_nothing_and_the_seed_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(8)
    generated, real = rng.normal(size=(40, 6)), rng.normal(size=(30, 6))

    def found(seed: int) -> float:
        return sliced_wasserstein(generated=generated, real=real, count=23, rng=np.random.default_rng(seed)).distance

    whole = found(0)
    assert found(0) == whole
    assert found(1) != whole
    monkeypatch.setattr(module, "BLOCK", 200)
    assert found(0) == pytest.approx(whole, rel=1e-12)


def test_directions_are_unit_vectors_on_all_sides() -> None:
    along = directions(3, 5000, np.random.default_rng(9))
    np.testing.assert_allclose(np.linalg.norm(along, axis=0), 1.0, rtol=1e-12)
    assert np.abs(along.mean(axis=1)).max() < 4 / math.sqrt(3 * 5000)
    np.testing.assert_allclose(along @ along.T / 5000, np.eye(3) / 3, atol=0.03)


@pytest.mark.parametrize(
    ("generated", "real", "count", "sentence"),
    [
        (np.zeros((4, 2)), np.zeros((4, 2)), 0, "^The number of directions is 0"),
        (np.zeros((0, 2)), np.zeros((4, 2)), 3, "^generated has 0 samples"),
        (np.zeros(4), np.zeros((4, 2)), 3, "^generated should have the shape"),
        (np.zeros((4, 2)), np.zeros((4, 3)), 3, "^The number of features differs"),
        (np.zeros((4, 2)), np.full((4, 2), np.nan), 3, "^real has values that are not finite"),
    ],
)
def test_bad_input_is_refused(generated: Any, real: Any, count: int, sentence: str) -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=sentence):
        sliced_wasserstein(generated=generated, real=real, count=count, rng=rng)


def test_directions_of_another_width_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^The directions should have the shape \(2, count\), not \(3, 5\)\.$"):
        sliced_along(np.ones((3, 5)), generated=np.zeros((4, 2)), real=np.zeros((4, 2)))
