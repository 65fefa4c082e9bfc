"""Density and coverage against prdc, and the behaviour that shows swapped arguments."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ganpipe.metrics.density_coverage import density_coverage
from ganpipe.metrics.precision_recall import precision_recall


def test_by_hand() -> None:
    """Balls on a line, k = 1: 0 +- 1, 1 +- 1, 3 +- 2. 0.5 is in two balls, 4 in one, 9 in none."""
    found = density_coverage(generated=[[0.5], [4.0], [9.0]], real=[[0.0], [1.0], [3.0]], neighbours=1)
    assert (found.density, found.coverage) == (3 / 3, 1.0)
    found = density_coverage(generated=[[-0.5], [9.0]], real=[[0.0], [1.0], [3.0]], neighbours=1)
    assert (found.density, found.coverage) == (1 / 2, 1 / 3)


@pytest.mark.parametrize("neighbours", [1, 3, 5])
@pytest.mark.parametrize("sizes", [(300, 300), (150, 340), (340, 120)])
def test_parity_with_prdc_also_of_precision_and_recall(neighbours: int, sizes: tuple[int, int]) -> None:
    from prdc import compute_prdc

    rng = np.random.default_rng(neighbours)
    generated, real = rng.normal(size=(sizes[0], 6)) * 0.8 + 0.4, rng.normal(size=(sizes[1], 6))
    theirs = compute_prdc(real, generated, neighbours)
    found = density_coverage(generated=generated, real=real, neighbours=neighbours)
    assert found.density == pytest.approx(theirs["density"], rel=1e-9)
    assert found.coverage == pytest.approx(theirs["coverage"], rel=1e-9)
    assert 0.1 < found.coverage < 0.98  # else there would be nothing to compare
    both = precision_recall(generated=generated, real=real, neighbours=neighbours)
    assert both.precision == pytest.approx(theirs["precision"], rel=1e-9)
    assert both.recall == pytest.approx(theirs["recall"], rel=1e-9)


def test_parity_with_prdc_in_many_dimensions_and_float32() -> None:
    from prdc import compute_prdc

    rng = np.random.default_rng(5)
    real = np.abs(rng.normal(size=(300, 512))).astype(np.float32)
    generated = np.abs(rng.normal(size=(300, 512)) + 0.05).astype(np.float32)
    theirs = compute_prdc(real.astype(np.float64), generated.astype(np.float64), 5)
    found = density_coverage(generated=generated, real=real)
    assert (found.density, found.coverage) == pytest.approx((theirs["density"], theirs["coverage"]), rel=1e-9)


def test_collapsed_generator_is_dense_and_covers_little_and_swapping_shows() -> None:
    rng = np.random.default_rng(0)
    real, collapsed = rng.normal(size=(500, 4)), 0.02 * rng.normal(size=(500, 4))
    found = density_coverage(generated=collapsed, real=real)
    assert found.density > 1.5
    assert found.coverage < 0.1
    swapped = density_coverage(generated=real, real=collapsed)
    assert swapped.density < 0.05


def test_two_halves_of_one_distribution_reach_the_known_values() -> None:
    """Coverage is 1 - 2^-k on average for equal numbers (Naeem et al. 2020, section 3.3), density 1."""
    features = np.random.default_rng(3).normal(size=(3000, 4))
    found = density_coverage(generated=features[::2], real=features[1::2], neighbours=3)
    assert found.coverage == pytest.approx(1 - 2.0**-3, abs=0.03)
    assert found.density == pytest.approx(1.0, abs=0.05)


def test_an_outlier_among_the_real_samples_does_not_make_noise_look_dense() -> None:
    """Precision takes the outlier's ball for real data; density gives it a k-th of what a real region gets."""
    rng = np.random.default_rng(4)
    real = np.concatenate([0.1 * rng.normal(size=(300, 2)), [[20.0, 0.0]]])
    noise = rng.uniform([5, -10], [25, 10], size=(300, 2))
    assert precision_recall(generated=noise, real=real, neighbours=5).precision > 0.9
    assert density_coverage(generated=noise, real=real, neighbours=5).density == pytest.approx(0.2, abs=0.03)


@pytest.mark.parametrize(
    ("generated", "real", "neighbours", "sentence"),
    [
        (np.zeros((5, 2)), np.zeros((5, 2)), 0, r"^k is 0: it should be at least 1\.$"),
        (np.zeros((9, 2)), np.zeros((5, 2)), 5, r"^real has 5 samples: at least 6 are needed\.$"),
        (np.zeros((0, 2)), np.zeros((9, 2)), 5, r"^generated has 0 samples"),
        (np.zeros((9, 2)), np.zeros((9, 3)), 3, r"^The number of features differs"),
        (np.full((9, 3), np.nan), np.zeros((9, 3)), 3, r"^generated has values that are not finite"),
    ],
)
def test_bad_input_is_refused(generated: Any, real: Any, neighbours: int, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        density_coverage(generated=generated, real=real, neighbours=neighbours)
