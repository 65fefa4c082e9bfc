"""Memorization where the answer is known, and against SciPy's Mann-Whitney test."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ganpipe.metrics.memorization import Memorization, memorization, memorization_of, training_distances


def nearer(found: Memorization, generated: int, test: int) -> float:
    """The probability that a generated sample is nearer than a test sample is: what z is made of."""
    return float(0.5 - found.z * np.sqrt((generated + test + 1) / (12 * generated * test)))


def test_distances_are_those_of_scipy() -> None:
    from scipy.spatial.distance import cdist

    rng = np.random.default_rng(0)
    samples, training = rng.normal(size=(70, 30)), rng.normal(size=(90, 30))
    training[5] = samples[3]
    found = training_distances(samples, training=training)
    np.testing.assert_allclose(found, cdist(samples, training).min(axis=1), rtol=1e-10)
    assert found[3] == 0.0


def test_exact_sampler_is_at_one_half() -> None:
    """Over many draws: half of them nearer, z of mean 0 and deviation 1, a share of `quantile` copies."""
    rng = np.random.default_rng(1)
    found = []
    training = rng.normal(size=(300, 3))
    for _ in range(60):
        generated, test = rng.normal(size=(100, 3)), rng.normal(size=(200, 3))
        found.append(memorization(generated=generated, test=test, training=training, quantile=0.1))
    assert np.mean([nearer(one, 100, 200) for one in found]) == pytest.approx(0.5, abs=0.02)
    assert abs(np.mean([one.z for one in found])) < 0.5
    assert np.std([one.z for one in found]) == pytest.approx(1.0, abs=0.3)
    assert np.mean([one.share for one in found]) == pytest.approx(0.1, abs=0.02)


def test_copies_are_all_nearer_and_garbage_is_all_further() -> None:
    rng = np.random.default_rng(2)
    training, test = rng.normal(size=(200, 4)), rng.normal(size=(100, 4))
    copied = memorization(generated=training[:50] + 1e-6, test=test, training=training)
    assert (nearer(copied, 50, 100), copied.share) == (pytest.approx(1.0), 1.0)
    assert copied.z < -8
    garbage = memorization(generated=training[:50] + 50.0, test=test, training=training)
    assert (nearer(garbage, 50, 100), garbage.share) == (pytest.approx(0.0), 0.0)
    assert garbage.z > 8


def test_a_tenth_of_copies_shows_where_the_probability_hardly_moves() -> None:
    rng = np.random.default_rng(3)
    training, test = rng.normal(size=(500, 4)), rng.normal(size=(1000, 4))
    generated = rng.normal(size=(1000, 4))
    generated[:100] = training[:100]
    found = memorization(generated=generated, test=test, training=training)
    assert found.share == pytest.approx(0.11, abs=0.015)
    assert nearer(found, 1000, 1000) < 0.58


def test_a_collapsed_generator_memorizes_only_where_it_collapsed_onto_the_training_data() -> None:
    rng = np.random.default_rng(4)
    training, test = rng.normal(size=(200, 4)), rng.normal(size=(100, 4))
    onto = memorization(generated=np.repeat(training[:1], 50, axis=0), test=test, training=training)
    assert nearer(onto, 50, 100) == pytest.approx(1.0)
    elsewhere = memorization(generated=np.full((50, 4), 3.0), test=test, training=training)
    assert nearer(elsewhere, 50, 100) < 0.1


def test_swapping_generated_and_test_turns_it_round_and_swapping_training_is_no_copying() -> None:
    rng = np.random.default_rng(5)
    training, test = rng.normal(size=(200, 4)), rng.normal(size=(100, 4))
    generated = training[:80] + 0.1 * rng.normal(size=(80, 4))
    found = memorization(generated=generated, test=test, training=training)
    near = [training_distances(samples, training=training) for samples in (generated, test)]
    assert memorization_of(near[0], test=near[1]) == found
    swapped = memorization(generated=test, test=generated, training=training)
    assert swapped.z == pytest.approx(-found.z, rel=1e-9)
    assert nearer(found, 80, 100) > 0.9
    other = memorization(generated=generated, test=training, training=test)
    assert nearer(other, 80, 200) < 0.6


def test_parity_with_scipy_also_with_ties() -> None:
    """Whole numbers: many distances are equal."""
    from scipy.stats import mannwhitneyu

    rng = np.random.default_rng(6)
    training, test, generated = (rng.integers(0, 6, size=(n, 2)).astype(np.float64) for n in (12, 60, 40))
    found = memorization(generated=generated, test=test, training=training)
    ranks = mannwhitneyu(
        training_distances(test, training=training), training_distances(generated, training=training)
    ).statistic
    assert nearer(found, 40, 60) == pytest.approx(ranks / (60 * 40), rel=1e-12)
    assert found.z == pytest.approx((60 * 40 / 2 - ranks) / np.sqrt(60 * 40 * (60 + 40 + 1) / 12), rel=1e-12)


@pytest.mark.parametrize(
    ("generated", "test", "training", "quantile", "sentence"),
    [
        (np.zeros((3, 2)), np.zeros((3, 2)), np.zeros((3, 2)), 0.0, "^quantile is 0.0"),
        (np.zeros((3, 2)), np.zeros((3, 2)), np.zeros((3, 2)), 1.0, "^quantile is 1.0"),
        (np.zeros((0, 2)), np.zeros((3, 2)), np.zeros((3, 2)), 0.5, "^generated has 0 samples"),
        (np.zeros((3, 2)), np.zeros((0, 2)), np.zeros((3, 2)), 0.5, "^test has 0 samples"),
        (np.zeros((3, 2)), np.zeros((3, 2)), np.zeros((0, 2)), 0.5, "^training has 0 samples"),
        (np.zeros((3, 2)), np.zeros((3, 3)), np.zeros((3, 2)), 0.5, "^The number of features differs"),
        (np.zeros((3, 2)), np.zeros((3, 2)), np.full((3, 2), np.nan), 0.5, "^training has values"),
    ],
)
def test_bad_input_is_refused(generated: Any, test: Any, training: Any, quantile: float, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        memorization(generated=generated, test=test, training=training, quantile=quantile)
