"""Stacked digits: each channel is an image of the right split and digit, and the thousand modes are all there."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from idx_files import write_idx

from ganpipe.data import _mnist
from ganpipe.data.digits import Digits
from ganpipe.data.mnist import MNIST
from ganpipe.data.stacked_digits import StackedDigits
from ganpipe.data.stacked_mnist import StackedMNIST
from ganpipe.errors import BadInput
from ganpipe.prepared import PreparedDataset

NOWHERE = Path("/nonexistent")
N = 20_000


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GANPIPE_DATA_ROOT", raising=False)


def stacked(
    train: int = N, test: int = 5000, seed: int = 0, held_out: int = 360, split_seed: int = 0
) -> PreparedDataset:
    source = StackedDigits(
        kind="stacked_digits", train=train, test=test, seed=seed, held_out=held_out, split_seed=split_seed
    )
    assert source.missing_files(NOWHERE) is None
    data = source.load(NOWHERE)
    assert (source.form, source.shape) == (data.form, data.shape) == ("images", (3, 8, 8))
    return data


@pytest.fixture(scope="module")
def data() -> PreparedDataset:
    return stacked()


def places(images: np.ndarray) -> dict[bytes, int]:
    """Where each image stands; none stands twice."""
    found = {image.tobytes(): place for place, image in enumerate(images)}
    assert len(found) == len(images)
    return found


def check_channels(data: PreparedDataset, singles: PreparedDataset) -> dict[str, np.ndarray]:
    """Every channel is one of its own split's images, its digit stands in the label. Returns which, (N, 3)."""
    chosen = {}
    for split in ("train", "test"):
        known, digits = places(getattr(singles, split)), getattr(singles, f"{split}_labels")
        images, labels = getattr(data, split), getattr(data, f"{split}_labels")
        which = np.array([[known[channel.tobytes()] for channel in image] for image in images])
        a, b, c = digits[which].T
        np.testing.assert_array_equal(labels, 100 * a + 10 * b + c)
        chosen[split] = which
    return chosen


def test_each_channel_is_an_image_of_its_split_with_the_digit_of_the_label(data: PreparedDataset) -> None:
    singles = Digits(kind="digits", test=360, split_seed=0).load(NOWHERE)
    assert not set(places(singles.train)) & set(places(singles.test))
    chosen = check_channels(data, singles)
    for split, single in (("train", singles.train), ("test", singles.test)):
        n = len(chosen[split])
        assert n == {"train": N, "test": 5000}[split]
        assert len(np.unique(chosen[split])) == len(single)  # all are used, in some channel
        # independent and uniform: the channels' places in the split have its mean and no correlation
        places_in = chosen[split] / (len(single) - 1) - 0.5
        assert np.abs(places_in.mean(0)).max() < 5 * np.sqrt(1 / 12 / n)
        correlation = np.corrcoef(places_in.T)[np.triu_indices(3, 1)]
        assert np.abs(correlation).max() < 5 / np.sqrt(n)
    both = np.corrcoef(chosen["train"][:5000].ravel(), chosen["test"].ravel())
    assert abs(both[0, 1]) < 5 / np.sqrt(15_000)  # a split does not repeat the draw of the other


def test_types_and_what_is_known_of_the_modes(data: PreparedDataset) -> None:
    assert data.train.dtype == data.test.dtype == np.uint8
    assert data.train_labels.dtype == data.test_labels.dtype == np.int64
    assert (data.classes, data.base, data.modes, data.mode_std) == (1000, 10, None, None)


def test_all_thousand_modes_appear_with_the_shares_of_their_digits(data: PreparedDataset) -> None:
    assert set(data.train_labels.tolist()) == set(range(1000))
    single = np.bincount(Digits(kind="digits", test=360, split_seed=0).load(NOWHERE).train_labels) / 1437
    expected = N * np.einsum("i,j,k->ijk", single, single, single).ravel()
    counts = np.bincount(data.train_labels, minlength=1000)
    # chi-squared with 999 degrees of freedom, whose deviation is sqrt(2 * 999)
    assert abs((((counts - expected) ** 2) / expected).sum() - 999) < 5 * np.sqrt(2 * 999)


def test_the_bytes_depend_on_the_parameters_and_on_nothing_else(data: PreparedDataset) -> None:
    np.random.seed(7)
    assert stacked().digest() == data.digest()
    changes = [{"seed": 1}, {"split_seed": 1}, {"held_out": 300}]
    assert len({data.digest(), *(stacked(**change).digest() for change in changes)}) == 4
    fewer = stacked(train=10)
    np.testing.assert_array_equal(fewer.test, data.test)
    np.testing.assert_array_equal(fewer.train, data.train[:10])


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with 50 + 20 images in MNIST's files, whose MD5s are taken for the originals'."""
    rng, raw = np.random.default_rng(0), tmp_path / "MNIST" / "raw"
    for train, count in ((True, 50), (False, 20)):
        write_idx(raw, train, rng.integers(256, size=(count, 28, 28)), rng.permutation(np.arange(count) % 10))
    known = {name: hashlib.md5((raw / name).read_bytes()).hexdigest() for name in _mnist.FILES}
    monkeypatch.setattr(_mnist, "FILES", known)
    return tmp_path


@pytest.mark.parametrize("size", [28, 32])
def test_mnist_is_stacked_from_its_own_splits(size: int, small: Path) -> None:
    source = StackedMNIST(kind="stacked_mnist", size=size, train=3000, test=400, seed=0)  # type: ignore[arg-type]
    assert source.missing_files(small) is None
    data = source.load(small)
    assert (source.form, source.shape) == (data.form, data.shape) == ("images", (3, size, size))
    assert (data.classes, data.base) == (source.classes(small), 10) == (1000, 10)
    singles = MNIST(kind="mnist", size=size).load(small)  # type: ignore[arg-type]
    chosen = check_channels(data, singles)
    assert (len(np.unique(chosen["train"])), len(np.unique(chosen["test"]))) == (50, 20)
    assert source.load(small).digest() == data.digest()


def test_a_corrupt_file_of_mnist_is_named_with_the_key_that_is_in_use(small: Path) -> None:
    source = StackedMNIST(kind="stacked_mnist", size=28, train=30, test=30, seed=0)
    file = small / "MNIST" / "raw" / "train-labels-idx1-ubyte"
    file.write_bytes(file.read_bytes()[:-1] + b"\0\0")
    with pytest.raises(BadInput) as caught:
        source.load(small)
    assert str(caught.value) == source.missing_files(small)
    assert str(caught.value) == (
        f"datasets.stacked_mnist reads {file}, whose MD5 is not {_mnist.FILES[file.name]}: the file is corrupt, so "
        "replace it with the original."
    )


def test_a_missing_file_of_mnist_is_named_with_the_key_that_is_in_use(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANPIPE_DATA_ROOT", str(small))
    file = small / "MNIST" / "raw" / "t10k-images-idx3-ubyte"
    file.unlink()
    assert StackedMNIST(kind="stacked_mnist", size=28, train=30, test=30, seed=0).missing_files(small) == (
        f"datasets.stacked_mnist needs the uncompressed file {file}, which is not there: put it there, point "
        "GANPIPE_DATA_ROOT to the folder that holds MNIST/raw, or unset it to download the data."
    )
