"""Modes, high quality and reverse KL on mixtures where the answers are known."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ganpipe.metrics.modes import modes

ANGLES = np.arange(8) * 2 * np.pi / 8
RING = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)
STD = 0.01


def draw(labels: NDArray[np.int64], std: float = STD, seed: int = 0) -> NDArray[np.float64]:
    return RING[labels] + std * np.random.default_rng(seed).normal(size=(len(labels), 2))


def test_exact_sampler_reaches_its_share_and_all_modes() -> None:
    """1 - exp(-9/2) within 4 standard errors: a limit of 2.95 or 3.05 would be 7 and 6 errors off."""
    n, expected = 200_000, 1 - math.exp(-4.5)
    found = modes(draw(np.random.default_rng(1).integers(8, size=n)), centres=RING, std=STD)
    assert found.covered == 8
    assert abs(found.high_quality - expected) < 4 * math.sqrt(expected * (1 - expected) / n)
    assert 0.0 <= found.reverse_kl < 1e-4


def test_limit_is_three_deviations_and_open() -> None:
    near, at, far = [[1 + 2.999 * STD, 0.0]], [[3.0, 0.0]], [[1 + 3.001 * STD, 0.0]]
    assert modes(near, centres=RING, std=STD).high_quality == 1.0
    assert modes(at, centres=[[0.0, 0.0]], std=1.0).high_quality == 0.0
    assert modes(far, centres=RING, std=STD).high_quality == 0.0


def test_collapse_onto_two_modes() -> None:
    found = modes(draw(np.tile([2, 5], 500)), centres=RING, std=STD)
    assert found.covered == 2
    assert found.reverse_kl == pytest.approx(math.log(4.0), rel=1e-12)
    np.testing.assert_array_equal(np.flatnonzero(found.shares), [2, 5])


def test_one_sample_of_high_quality_covers_a_mode_and_a_poor_one_does_not() -> None:
    good = modes([*draw(np.zeros(99, dtype=np.int64)), RING[3]], centres=RING, std=STD)
    poor = modes([*draw(np.zeros(99, dtype=np.int64)), RING[3] * 1.1], centres=RING, std=STD)
    assert (good.covered, poor.covered) == (2, 1)
    np.testing.assert_array_equal(good.shares, poor.shares)  # the histogram is over all samples


def test_reverse_kl_of_unequal_shares() -> None:
    found = modes(np.repeat([[-1.0], [1.0]], [9, 1], axis=0), centres=[[-1.0], [1.0]], std=0.1)
    assert found.reverse_kl == pytest.approx(0.9 * math.log(1.8) + 0.1 * math.log(0.2), rel=1e-12)


def test_noise_is_of_low_quality() -> None:
    samples = np.random.default_rng(2).uniform(-2, 2, size=(5000, 2))
    assert modes(samples, centres=RING, std=STD).high_quality < 0.01


def test_two_halves_of_the_same_samples_agree() -> None:
    samples = draw(np.random.default_rng(3).integers(8, size=8000))
    first, second = (modes(half, centres=RING, std=STD) for half in (samples[::2], samples[1::2]))
    assert first.covered == second.covered == 8
    assert abs(first.high_quality - second.high_quality) < 4 * math.sqrt(2 * 0.0111 * 0.9889 / 4000)
    assert max(first.reverse_kl, second.reverse_kl) < 10 * 7 / (2 * 4000)  # whose expectation is 7 / (2 N)


def test_samples_and_centres_are_not_interchangeable() -> None:
    """Samples at two of eight modes are all good; the eight centres taken for samples are good for a quarter."""
    few = RING[[2, 5]]
    assert modes(few, centres=RING, std=STD).covered == 2
    assert modes(few, centres=RING, std=STD).high_quality == 1.0
    swapped = modes(RING, centres=few, std=STD)
    assert swapped.high_quality == 0.25
    assert swapped.reverse_kl == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(
    ("samples", "centres", "std", "sentence"),
    [
        (np.zeros((0, 2)), RING, 1.0, "^samples has 0 samples"),
        (np.zeros((3, 3)), RING, 1.0, "^The number of features differs"),
        (np.zeros(3), RING, 1.0, "^samples should have the shape"),
        (np.zeros((3, 2)), np.zeros((0, 2)), 1.0, "^centres has 0 samples"),
        (np.full((3, 2), np.inf), RING, 1.0, "^samples has values that are not finite"),
        (np.zeros((3, 2)), RING, 0.0, "^std is 0.0: it should be above 0"),
        (np.zeros((3, 2)), RING, math.nan, "^std is nan"),
    ],
)
def test_bad_input_is_refused(samples: Any, centres: Any, std: float, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        modes(samples, centres=centres, std=std)
