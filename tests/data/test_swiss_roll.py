"""The Swiss roll: points lie on the spiral r = t within the noise, evenly in t, and like scikit-learn's."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import make_swiss_roll

from ganpipe.data.swiss_roll import END, START, SwissRoll
from ganpipe.prepared import PreparedDataset

N = 40_000


def roll(noise: float = 0.25, train: int = N, test: int = 5000, seed: int = 0) -> PreparedDataset:
    source = SwissRoll(kind="swiss_roll", noise=noise, train=train, test=test, seed=seed)
    assert source.missing_files(Path("/nonexistent")) is None
    data = source.load(Path("/nonexistent"))
    assert (source.form, source.shape) == (data.form, data.shape) == ("points", (2,))
    return data


def test_without_noise_the_radius_is_the_angle() -> None:
    data = roll(noise=0.0)
    for points in (data.train.astype(np.float64), data.test.astype(np.float64)):
        t = np.linalg.norm(points, axis=1)
        assert t.min() >= START - 1e-5
        assert t.max() <= END + 1e-5
        np.testing.assert_allclose(points, np.stack([t * np.cos(t), t * np.sin(t)], 1), atol=1e-4)
        # uniform in t: Kolmogorov-Smirnov, whose 1e-9 quantile is 3.3 / sqrt(n)
        even = (np.arange(len(t)) + 0.5) / len(t)
        assert np.abs((np.sort(t) - START) / (END - START) - even).max() < 3.3 / math.sqrt(len(t))


def test_noise_is_added_on_each_axis_with_its_deviation() -> None:
    """Of the same draw, so that the difference from the spiral is the noise itself."""
    noise = (roll(noise=0.25).train.astype(np.float64) - roll(noise=0.0).train) / 0.25
    assert np.abs(noise.mean(0)).max() < 5 / math.sqrt(N)
    assert np.abs(noise.var(0) - 1).max() < 5 * math.sqrt(2 / N)
    assert abs((noise[:, 0] * noise[:, 1]).mean()) < 5 / math.sqrt(N)
    assert abs((noise**4).mean() - 3) < 5 * math.sqrt(96 / noise.size)


def test_the_spiral_is_that_of_scikit_learn() -> None:
    points, t = make_swiss_roll(2000, random_state=0)
    spiral = np.sort(roll(noise=0.0).train, axis=0)
    np.testing.assert_allclose(points[:, [0, 2]], t[:, None] * np.stack([np.cos(t), np.sin(t)], 1))
    ends = (float(t.min()), float(t.max()))
    assert ends == pytest.approx((START, END), rel=0.01)
    for axis, column in enumerate((0, 2)):  # the same distribution along either axis
        share = np.searchsorted(spiral[:, axis], np.sort(points[:, column])) / N
        assert np.abs(share - (np.arange(2000) + 0.5) / 2000).max() < 3.4 / math.sqrt(2000)


@pytest.mark.parametrize("noise", [0.0, 0.25, 5.0])
def test_points_over_their_scale_have_about_unit_variance(noise: float) -> None:
    data = roll(noise=noise)
    assert ((data.train / data.scale).astype(np.float64) ** 2).mean() == pytest.approx(1, rel=0.02)
    assert (data.train / data.scale).astype(np.float64).var() == pytest.approx(1, rel=0.05)


def test_types_splits_and_seeds() -> None:
    data = roll()
    assert (data.train.shape, data.test.shape) == ((N, 2), (5000, 2))
    assert data.train.dtype == data.test.dtype == np.float32
    assert data.train_labels.dtype == data.test_labels.dtype == np.int64
    assert not data.train_labels.any()
    assert not data.test_labels.any()
    assert (data.train_labels.shape, data.test_labels.shape) == ((N,), (5000,))
    assert (data.classes, data.modes, data.mode_std, data.base) == (1, None, None, None)
    assert not set(map(bytes, data.train)) & set(map(bytes, data.test))
    np.random.seed(3)
    assert roll().digest() == data.digest()
    assert roll(seed=1).digest() != data.digest()
    assert roll(seed=2**60).train.shape == (N, 2)
