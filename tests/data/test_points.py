"""Points: the modes of the mixtures, the spiral of the Swiss roll, and the moments of the samples."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from changed_params import ORIGINAL
from sklearn.datasets import make_swiss_roll

from ganpipe.data import Dataset
from ganpipe.data.swiss_roll import END, START
from ganpipe.parts import part_class
from ganpipe.prepared import PreparedDataset

N = 40_000
Array = np.ndarray[Any, np.dtype[np.float64]]
mixtures = pytest.mark.parametrize("kind", ["ring", "grid"])


def load(kind: str, **changes: Any) -> PreparedDataset:
    given = {**ORIGINAL["datasets"][kind], "train": N, "test": 5000, **changes}
    dataset = part_class("ganpipe.data", kind).model_validate(given)
    assert isinstance(dataset, Dataset)
    return dataset.load(Path("/nonexistent"))


def modes_of(kind: str, **changes: Any) -> Array:
    modes = load(kind, train=10, test=10, **changes).modes
    assert modes is not None
    return modes


def assert_standard_normal(noise: Array) -> None:
    """The first moments of independent values, within 5 standard errors."""
    n = noise.size
    assert abs(noise.mean()) < 5 / math.sqrt(n)
    assert abs(noise.var() - 1) < 5 * math.sqrt(2 / n)
    assert abs((noise**4).mean() - 3) < 5 * math.sqrt(96 / n)


@pytest.mark.parametrize("count", [2, 7, 25])
def test_ring_has_its_modes_evenly_on_the_circle(count: int) -> None:
    modes = modes_of("ring", modes=count)
    assert modes.shape == (count, 2)
    np.testing.assert_allclose(np.linalg.norm(modes, axis=1), 2.0)
    apart = np.linalg.norm(modes[:, None] - modes, axis=2)[~np.eye(count, dtype=bool)]
    assert apart.min() == pytest.approx(2 * 2.0 * math.sin(math.pi / count))  # no two of them are one


def test_grid_has_its_modes_around_zero() -> None:
    expected = {(x, y) for x in range(-4, 5, 2) for y in range(-4, 5, 2)}
    assert sorted(map(tuple, modes_of("grid").tolist())) == sorted(expected)
    assert sorted(map(tuple, modes_of("grid", side=2, spacing=0.5).tolist())) == [
        (-0.25, -0.25), (-0.25, 0.25), (0.25, -0.25), (0.25, 0.25),
    ]  # fmt: skip


@mixtures
def test_samples_have_the_moments_of_the_mixture(kind: str) -> None:
    data = load(kind)
    assert data.modes is not None
    assert (data.classes, data.mode_std) == (len(data.modes), ORIGINAL["datasets"][kind]["std"])
    noise = (data.train - data.modes[data.train_labels]) / data.mode_std
    assert_standard_normal(noise)
    assert abs((noise[:, 0] * noise[:, 1]).mean()) < 5 / math.sqrt(N)
    share = 1 / data.classes
    counts = np.bincount(data.train_labels, minlength=data.classes)
    assert np.abs(counts / N - share).max() < 5 * math.sqrt(share * (1 - share) / N)
    assert not set(map(bytes, data.train)) & set(map(bytes, data.test))


@mixtures
@pytest.mark.parametrize("factor", [0.01, 50.0])
def test_points_over_their_scale_have_unit_variance(kind: str, factor: float) -> None:
    length = "radius" if kind == "ring" else "spacing"
    data = load(kind, **{"std": 0.5, length: 2.0 * factor})
    assert (data.train / data.scale).astype(np.float64).var() == pytest.approx(1, rel=0.02)


def test_gaussian_1d_has_the_moments_of_its_components() -> None:
    data = load("gaussian_1d")
    components = ORIGINAL["datasets"]["gaussian_1d"]["components"]
    assert (data.train.shape, data.classes) == ((N, 1), len(components))
    for label, component in enumerate(components):
        values = data.train[data.train_labels == label].astype(np.float64)
        assert_standard_normal((values - component["mean"]) / math.sqrt(component["variance"]))
        assert len(values) / N == pytest.approx(component["share"], abs=5 * math.sqrt(0.25 / N))


def test_without_noise_the_radius_of_the_roll_is_the_angle() -> None:
    points = load("swiss_roll", noise=0.0).train.astype(np.float64)
    t = np.linalg.norm(points, axis=1)
    np.testing.assert_allclose(points, np.stack([t * np.cos(t), t * np.sin(t)], 1), atol=1e-4)
    # uniform in t: Kolmogorov-Smirnov, whose 1e-9 quantile is 3.3 / sqrt(n)
    even = (np.arange(N) + 0.5) / N
    assert np.abs((np.sort(t) - START) / (END - START) - even).max() < 3.3 / math.sqrt(N)


def test_noise_of_the_roll_is_added_on_each_axis() -> None:
    noise = (load("swiss_roll", noise=0.25).train.astype(np.float64) - load("swiss_roll", noise=0.0).train) / 0.25
    assert_standard_normal(noise)
    assert abs((noise[:, 0] * noise[:, 1]).mean()) < 5 / math.sqrt(N)


def test_the_roll_is_that_of_scikit_learn() -> None:
    points, t = make_swiss_roll(2000, random_state=0)
    assert (t.min(), t.max()) == (pytest.approx(START, rel=0.01), pytest.approx(END, rel=0.01))
    spiral = np.sort(load("swiss_roll", noise=0.0).train, axis=0)
    for axis, column in enumerate((0, 2)):  # the same distribution along either axis
        share = np.searchsorted(spiral[:, axis], np.sort(points[:, column])) / N
        assert np.abs(share - (np.arange(2000) + 0.5) / 2000).max() < 3.4 / math.sqrt(2000)


@pytest.mark.parametrize("noise", [0.0, 5.0])
def test_points_of_the_roll_over_their_scale_have_about_unit_variance(noise: float) -> None:
    data = load("swiss_roll", noise=noise)
    assert (data.train / data.scale).astype(np.float64).var() == pytest.approx(1, rel=0.05)
