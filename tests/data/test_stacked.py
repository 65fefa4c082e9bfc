"""Stacked images: each channel is an image of its split with the digit of the label, and all modes are there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from raw_files import make_mnist

from ganpipe.data.digits import Digits
from ganpipe.data.mnist import MNIST
from ganpipe.data.stacked_digits import StackedDigits
from ganpipe.data.stacked_mnist import StackedMNIST
from ganpipe.prepared import PreparedDataset
from ganpipe.utils.errors import UserError

NOWHERE = Path("/nonexistent")
N = 20_000


def stacked(train: int = N, **changes: int) -> PreparedDataset:
    settings = {"test": 5000, "seed": 0, "held_out": 360, "split_seed": 0, **changes}
    return StackedDigits.model_validate({"kind": "stacked_digits", "train": train, **settings}).load(NOWHERE)


@pytest.fixture(scope="module")
def data() -> PreparedDataset:
    return stacked()


@pytest.fixture(scope="module")
def digits() -> PreparedDataset:
    return Digits(kind="digits", test=360, split_seed=0).load(NOWHERE)


def chosen_images(data: PreparedDataset, singles: PreparedDataset, split: str) -> np.ndarray:
    """Which image of its own split each channel is, (N, 3); its digit is that of the label."""
    known = {image.tobytes(): index for index, image in enumerate(getattr(singles, split))}
    assert len(known) == len(getattr(singles, split))
    which = np.array([[known[channel.tobytes()] for channel in image] for image in getattr(data, split)])
    a, b, c = getattr(singles, f"{split}_labels")[which].T
    np.testing.assert_array_equal(getattr(data, f"{split}_labels"), 100 * a + 10 * b + c)
    return which


def test_channels_are_drawn_independently_and_uniformly_from_their_split(
    data: PreparedDataset, digits: PreparedDataset
) -> None:
    chosen = {split: chosen_images(data, digits, split) for split in ("train", "test")}
    for split, which in chosen.items():
        count = len(getattr(digits, split))
        assert len(np.unique(which)) == count  # all are used
        uniform = which / (count - 1) - 0.5
        assert np.abs(uniform.mean(0)).max() < 5 * np.sqrt(1 / 12 / len(which))
        assert np.abs(np.corrcoef(uniform.T)[np.triu_indices(3, 1)]).max() < 5 / np.sqrt(len(which))
    between = np.corrcoef(chosen["train"][:5000].ravel(), chosen["test"].ravel())
    assert abs(between[0, 1]) < 5 / np.sqrt(15_000)  # a split does not repeat the draw of the other
    assert (data.classes, data.base) == (1000, 10)


def test_all_thousand_modes_appear_with_the_shares_of_their_digits(
    data: PreparedDataset, digits: PreparedDataset
) -> None:
    single = np.bincount(digits.train_labels) / len(digits.train_labels)
    expected = N * np.einsum("i,j,k->ijk", single, single, single).ravel()
    counts = np.bincount(data.train_labels, minlength=1000)
    assert counts.min() > 0
    # chi-squared with 999 degrees of freedom, whose standard deviation is sqrt(2 * 999)
    assert abs((((counts - expected) ** 2) / expected).sum() - 999) < 5 * np.sqrt(2 * 999)


def test_the_size_of_one_split_does_not_change_the_other(data: PreparedDataset) -> None:
    fewer = stacked(train=10)
    np.testing.assert_array_equal(fewer.test, data.test)
    np.testing.assert_array_equal(fewer.train, data.train[:10])
    assert stacked(held_out=300).digest() != data.digest()


def test_mnist_is_stacked_from_its_own_splits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_mnist(tmp_path, monkeypatch)
    data = StackedMNIST(kind="stacked_mnist", size=32, train=3000, test=400, seed=0).load(tmp_path)
    singles = MNIST(kind="mnist", size=32).load(tmp_path)
    assert len(np.unique(chosen_images(data, singles, "train"))) == len(singles.train)
    assert len(np.unique(chosen_images(data, singles, "test"))) == len(singles.test)
    (tmp_path / "MNIST" / "raw" / "train-labels-idx1-ubyte").write_bytes(b"")
    with pytest.raises(UserError, match=r"^datasets\.stacked_mnist reads .*train-labels-idx1-ubyte, whose MD5 is not"):
        StackedMNIST(kind="stacked_mnist", size=32, train=30, test=30, seed=0).load(tmp_path)
