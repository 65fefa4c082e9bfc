"""Ring and grid: where the modes are, and that the sampler has their moments."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganpipe.data import Dataset
from ganpipe.params import part_class
from ganpipe.prepared import PreparedDataset

N = 40_000
RING: dict[str, Any] = {"kind": "ring", "modes": 8, "radius": 2.0, "std": 0.02}
GRID: dict[str, Any] = {"kind": "grid", "side": 5, "spacing": 2.0, "std": 0.05}
both = pytest.mark.parametrize("parameters", [RING, GRID], ids=["ring", "grid"])


def make(parameters: dict[str, Any], **more: Any) -> PreparedDataset:
    parameters = {"train": N, "test": 5000, "seed": 0, **parameters, **more}
    source = part_class("ganpipe.data", parameters["kind"]).model_validate(parameters)
    assert isinstance(source, Dataset)
    data = source.load(Path("/nonexistent"))
    assert source.missing_files(Path("/nonexistent")) is None
    assert (source.form, source.shape) == (data.form, data.shape) == ("points", (2,))
    return data


def distances(modes: np.ndarray) -> np.ndarray:
    """Between all pairs of different modes."""
    apart = np.linalg.norm(modes[:, None] - modes, axis=2)
    return apart[~np.eye(len(modes), dtype=bool)]


@pytest.mark.parametrize("modes", [2, 7, 8, 25])
def test_ring_has_exactly_its_modes_evenly_on_the_circle(modes: int) -> None:
    centres = make(RING, modes=modes, train=10, test=10).modes
    assert centres is not None
    assert centres.shape == (modes, 2)
    np.testing.assert_allclose(np.linalg.norm(centres, axis=1), 2.0)
    # a linspace with both ends would make two of them one
    assert distances(centres).min() == pytest.approx(2 * 2.0 * math.sin(math.pi / modes))
    np.testing.assert_allclose(centres.mean(0), 0, atol=1e-12)


def test_grid_has_its_25_modes_around_zero() -> None:
    centres = make(GRID, train=10, test=10).modes
    assert centres is not None
    assert {tuple(row) for row in centres.tolist()} == {(x, y) for x in range(-4, 5, 2) for y in range(-4, 5, 2)}
    assert len(centres) == 25
    assert distances(make(GRID, side=2, spacing=0.5, train=10, test=10).modes).min() == 0.5  # type: ignore[arg-type]


@both
def test_samples_have_the_moments_of_the_mixture(parameters: dict[str, Any]) -> None:
    data = make(parameters)
    assert data.modes is not None
    assert data.classes == len(data.modes)
    assert data.mode_std == parameters["std"]
    noise = (data.train - data.modes[data.train_labels]) / parameters["std"]
    n = noise.size
    assert abs(noise.mean()) < 5 / math.sqrt(n)
    assert abs(noise.var() - 1) < 5 * math.sqrt(2 / n)
    assert abs((noise**4).mean() - 3) < 5 * math.sqrt(96 / n)  # Gaussian, and not merely of the right width
    assert abs((noise[:, 0] * noise[:, 1]).mean()) < 5 / math.sqrt(n / 2)
    inside = (np.linalg.norm(noise, axis=1) < 3).mean()
    assert inside == pytest.approx(0.98889, abs=5 * math.sqrt(0.98889 * 0.01111 / N))
    counts = np.bincount(data.train_labels, minlength=data.classes)
    share = 1 / data.classes
    assert np.abs(counts / N - share).max() < 5 * math.sqrt(share * (1 - share) / N)


@both
def test_label_is_the_nearest_mode(parameters: dict[str, Any]) -> None:
    data = make(parameters)
    assert data.modes is not None
    for points, labels in ((data.train, data.train_labels), (data.test, data.test_labels)):
        nearest = np.linalg.norm(points[:500, None] - data.modes, axis=2).argmin(1)
        np.testing.assert_array_equal(nearest, labels[:500])


@both
@pytest.mark.parametrize("factor", [0.01, 1.0, 50.0])
def test_points_over_their_scale_have_unit_variance(parameters: dict[str, Any], factor: float) -> None:
    length = "radius" if parameters["kind"] == "ring" else "spacing"
    data = make({**parameters, "std": 0.5, length: parameters[length] * factor})
    assert (data.train / data.scale).astype(np.float64).var() == pytest.approx(1, rel=0.02)


@both
def test_types_splits_and_seeds(parameters: dict[str, Any]) -> None:
    data = make(parameters)
    assert (data.train.shape, data.test.shape) == ((N, 2), (5000, 2))
    assert data.train.dtype == data.test.dtype == np.float32
    assert data.train_labels.dtype == data.test_labels.dtype == np.int64
    assert not set(map(bytes, data.train)) & set(map(bytes, data.test))
    np.random.seed(3)
    assert make(parameters).digest() == data.digest()
    assert make(parameters, seed=1).digest() != data.digest()
