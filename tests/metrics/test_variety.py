"""Variety where the number of cells that samples are in is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ganpipe.metrics.variety import variety

LINE = np.arange(10.0)[:, None]


def test_equal_shares_count_as_many_as_there_are_and_unequal_ones_by_their_entropy() -> None:
    assert variety([[0.1], [2.9], [3.2], [-7.0]], training=LINE) == pytest.approx(2.0)
    # one half, one quarter, one quarter: an entropy of 1.5 log 2
    assert variety([[0.1], [2.9], [8.6], [-7.0]], training=LINE) == pytest.approx(2.0**1.5)
    assert variety(LINE + 0.4, training=LINE) == pytest.approx(10.0)
    assert variety([[4.0]] * 7, training=LINE) == 1.0


def test_cells_are_those_of_scikit_learn() -> None:
    from sklearn.neighbors import NearestNeighbors

    rng = np.random.default_rng(0)
    samples, training = (rng.integers(256, size=(count, 64)).astype(np.uint8) for count in (300, 200))
    near = NearestNeighbors(n_neighbors=1).fit(training.astype(float)).kneighbors(samples.astype(float))[1]
    shares = np.bincount(near.ravel()) / 300
    expected = np.exp(-sum(share * np.log(share) for share in shares if share))
    assert variety(samples, training=training) == pytest.approx(expected, rel=1e-12)


def test_exact_sampler_is_at_the_number_of_real_samples_and_two_halves_are_alike() -> None:
    rng = np.random.default_rng(1)
    training, real, half, other = (rng.normal(size=(500, 3)) for _ in range(4))
    found = [variety(samples, training=training) for samples in (real, half, other)]
    assert max(found) / min(found) < 1.1
    assert found[0] > 100


def test_collapsed_generator_is_low_and_noise_is_not() -> None:
    rng = np.random.default_rng(2)
    training, real = rng.normal(size=(500, 3)), rng.normal(size=(400, 3))
    there = variety(real, training=training)
    few = rng.normal(size=(4, 3))[rng.integers(4, size=400)] + rng.normal(0, 0.01, size=(400, 3))
    assert variety(few, training=training) < 0.1 * there
    assert variety(real + rng.normal(size=(400, 3)), training=training) > 0.5 * there


def test_swapped_arguments_are_another_figure() -> None:
    few, many = LINE[:2], LINE
    assert variety(few, training=many) == pytest.approx(2.0)
    # nine of ten are nearest to the second
    assert variety(many, training=few) == pytest.approx(np.exp(-(0.1 * np.log(0.1) + 0.9 * np.log(0.9))))


@pytest.mark.parametrize(
    ("samples", "training", "message"),
    [
        (np.zeros(3), np.zeros((2, 3)), "samples should have the shape"),
        (np.zeros((0, 3)), np.zeros((2, 3)), "samples has 0 samples"),
        (np.zeros((3, 3)), np.zeros((0, 3)), "training has 0 samples"),
        (np.full((3, 3), np.nan), np.zeros((2, 3)), "samples has values that are not finite"),
        (np.zeros((3, 3)), np.full((2, 3), np.inf), "training has values that are not finite"),
        (np.zeros((3, 2)), np.zeros((2, 3)), "samples has 2 features and training has 3"),
    ],
)
def test_what_makes_no_sense_is_refused(samples: Any, training: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        variety(samples, training=training)
