"""The Vendi score where the eigenvalues are known."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from ganpipe.metrics.vendi import vendi


def corners(k: int, each: int) -> Any:
    """k points, each pair of them as far apart, `each` times."""
    return np.repeat(np.eye(k), each, axis=0)


@pytest.mark.parametrize("k", [2, 3, 7])
def test_equal_groups_have_the_eigenvalues_of_the_groups(k: int) -> None:
    """D^2 is 2 between groups, so its mean M is 2 (k - 1) / k, and the similarity s = exp(-k / (2 (k - 1) w^2)). The
    matrix of the groups has the eigenvalue (1 + (k - 1) s) / k once and (1 - s) / k for the rest."""
    for bandwidth in (0.3, 0.8):
        s = math.exp(-k / (2 * (k - 1) * bandwidth**2))
        shares = np.array([1 + (k - 1) * s, *[1 - s] * (k - 1)]) / k
        expected = math.exp(-(shares * np.log(shares)).sum())
        assert vendi(corners(k, 5), bandwidth=bandwidth) == pytest.approx(expected, rel=1e-9)
    assert vendi(corners(k, 5), bandwidth=0.1) == pytest.approx(k, rel=1e-9)


def test_samples_that_are_all_alike_count_once_and_all_different_ones_each() -> None:
    assert vendi(np.full((9, 4), 3.0), bandwidth=0.3) == 1.0
    assert vendi([[2.0, 1.0]], bandwidth=0.3) == 1.0
    assert vendi(np.eye(30), bandwidth=0.1) == pytest.approx(30.0, rel=1e-9)


def test_it_is_the_definition_by_numpy() -> None:
    from scipy.spatial.distance import cdist

    samples = np.random.default_rng(0).integers(256, size=(80, 5)).astype(np.uint8)
    squares = cdist(samples, samples) ** 2
    values = np.linalg.eigvalsh(np.exp(-squares / (2 * 0.4**2 * squares.mean())) / 80)
    assert vendi(samples, bandwidth=0.4) == pytest.approx(math.exp(-(values * np.log(values)).sum()), rel=1e-9)


def test_exact_sampler_is_at_the_score_of_real_samples_and_two_halves_are_alike() -> None:
    rng = np.random.default_rng(1)
    real, exact = rng.normal(size=(400, 3)), rng.normal(size=(400, 3))
    of_real = vendi(real, bandwidth=0.3)
    assert vendi(exact, bandwidth=0.3) == pytest.approx(of_real, rel=0.05)
    assert vendi(real[::2], bandwidth=0.3) == pytest.approx(vendi(real[1::2], bandwidth=0.3), rel=0.05)
    assert vendi(real[::2], bandwidth=0.3) < of_real  # fewer samples, fewer different ones


def test_collapsed_generator_is_low_whatever_its_variance_and_no_other_fault_is() -> None:
    rng = np.random.default_rng(2)
    real = rng.normal(size=(400, 20))
    of_real = vendi(real, bandwidth=0.3)
    few = 5 * rng.normal(size=(4, 20))[rng.integers(4, size=400)] + rng.normal(0, 0.01, size=(400, 20))
    assert few.var(axis=0).sum() > real.var(axis=0).sum()
    assert vendi(few, bandwidth=0.3) == pytest.approx(4.0, rel=0.1)
    faint, moved = 0.1 * real, real + 50.0
    assert vendi(faint, bandwidth=0.3) == pytest.approx(of_real, rel=1e-9)
    assert vendi(moved, bandwidth=0.3) == pytest.approx(of_real, rel=1e-6)
    noise = rng.normal(size=(400, 200))
    assert vendi(noise, bandwidth=0.3) >= of_real


@pytest.mark.parametrize(
    ("samples", "bandwidth", "message"),
    [
        (np.zeros(3), 0.3, "^samples should have the shape"),
        (np.zeros((0, 3)), 0.3, "^samples has 0 samples"),
        (np.full((3, 3), np.nan), 0.3, "^samples has values that are not finite"),
        (np.eye(3), 0.0, "^bandwidth is 0.0: it should be above 0"),
        (np.eye(3), math.nan, "^bandwidth is nan"),
    ],
)
def test_bad_input_is_refused(samples: Any, bandwidth: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        vendi(samples, bandwidth=bandwidth)
