"""scikit-learn's digits: the split, the grey levels, and the same bytes every time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ganpipe.data.digits import Digits
from ganpipe.prepared import PreparedDataset

NOWHERE = Path("/nonexistent")


def digits(test: int = 360, split_seed: int = 0) -> PreparedDataset:
    source = Digits(kind="digits", test=test, split_seed=split_seed)
    assert source.missing_files(NOWHERE) is None
    data = source.load(NOWHERE)
    assert (source.form, source.shape) == (data.form, data.shape) == ("images", (1, 8, 8))
    return data


@pytest.fixture(scope="module")
def data() -> PreparedDataset:
    return digits()


def test_shapes_and_types(data: PreparedDataset) -> None:
    assert data.train.shape == (1437, 1, 8, 8)
    assert data.test.shape == (360, 1, 8, 8)
    assert data.train.dtype == data.test.dtype == np.uint8
    assert data.train_labels.shape == (1437,)
    assert data.test_labels.shape == (360,)
    assert data.train_labels.dtype == data.test_labels.dtype == np.int64
    assert (data.classes, data.scale, data.modes, data.mode_std) == (10, 1.0, None, None)


def test_each_image_of_the_source_is_in_one_split_with_its_label(data: PreparedDataset) -> None:
    from sklearn.datasets import load_digits

    source = load_digits()
    original = np.rint(source.images / 16 * 255).astype(np.uint8)

    def rows(images: np.ndarray, labels: np.ndarray) -> list[bytes]:
        return sorted(image.tobytes() + bytes([label]) for image, label in zip(images, labels, strict=True))

    together = np.concatenate([data.train[:, 0], data.test[:, 0]])
    assert rows(together, np.concatenate([data.train_labels, data.test_labels])) == rows(original, source.target)
    assert not set(rows(data.train, data.train_labels)) & set(rows(data.test, data.test_labels))


def test_the_split_is_stratified(data: PreparedDataset) -> None:
    train, test = np.bincount(data.train_labels, minlength=10), np.bincount(data.test_labels, minlength=10)
    assert np.abs(test - (train + test) * 360 / 1797).max() < 1


def test_grey_levels_fill_the_range(data: PreparedDataset) -> None:
    levels = np.unique(data.train)
    assert len(levels) == 17
    assert levels[0] == 0
    assert levels[-1] == 255
    assert np.abs(levels - np.arange(17) * 255 / 16).max() <= 0.5


def test_the_bytes_depend_on_the_parameters_and_on_nothing_else(data: PreparedDataset) -> None:
    np.random.seed(7)
    assert digits().digest() == data.digest()
    assert digits(split_seed=1).digest() != data.digest()
    assert digits(test=300).test.shape == (300, 1, 8, 8)
