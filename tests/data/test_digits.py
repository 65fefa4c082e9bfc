"""scikit-learn's digits: the split and the grey levels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from ganpipe.data.digits import Digits


def test_each_image_is_in_one_split_with_its_label_and_17_grey_levels() -> None:
    data, source = Digits(kind="digits", test=360, split_seed=0).load(Path("/nonexistent")), load_digits()
    original = np.rint(source.images / 16 * 255).astype(np.uint8)

    def rows(images: np.ndarray, labels: np.ndarray) -> list[bytes]:
        return sorted(image.tobytes() + bytes([label]) for image, label in zip(images, labels, strict=True))

    together = np.concatenate([data.train[:, 0], data.test[:, 0]])
    assert rows(together, np.concatenate([data.train_labels, data.test_labels])) == rows(original, source.target)
    assert (data.train.shape, data.test.shape, data.classes) == ((1437, 1, 8, 8), (360, 1, 8, 8), 10)
    train, test = np.bincount(data.train_labels, minlength=10), np.bincount(data.test_labels, minlength=10)
    assert np.abs(test - (train + test) * 360 / 1797).max() < 1  # stratified
    assert np.abs(np.unique(data.train) - np.arange(17) * 255 / 16).max() <= 0.5
