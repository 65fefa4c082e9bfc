"""Fashion-MNIST: files of its format that the test makes, read from a folder and downloaded; and what is wrong."""

from __future__ import annotations

import gzip
import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from idx_files import write_idx
from serving import NOBODY, served
from torchvision import datasets

from ganpipe.data.fashion_mnist import FashionMNIST
from ganpipe.errors import BadInput

COUNTS = {True: 60_000, False: 10_000}
LABELS = "t10k-labels-idx1-ubyte"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GANPIPE_DATA_ROOT", raising=False)


def images(train: bool) -> np.ndarray:
    """As many as there are, of 28x28 pixels, each with its number in the first pixels."""
    number = np.arange(COUNTS[train])
    out = np.tile(np.random.default_rng(train).integers(256, size=(1, 28, 28), dtype=np.uint8), (len(number), 1, 1))
    out[:, 0, 0], out[:, 0, 1] = number % 256, number // 256
    return out


def labels(train: bool) -> np.ndarray:
    return np.random.default_rng(train + 2).integers(10, size=COUNTS[train])


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("fashion")
    for train in COUNTS:
        write_idx(folder / "FashionMNIST" / "raw", train, images(train), labels(train))
    yield folder
    shutil.rmtree(folder)  # 55 MB


@pytest.fixture
def copy(root: Path, tmp_path: Path) -> Path:
    """A folder of its own with the same files: links to them, to be replaced."""
    raw = tmp_path / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    for file in (root / "FashionMNIST" / "raw").iterdir():
        (raw / file.name).symlink_to(file)
    return raw


@pytest.mark.parametrize("size", [28, 32])
def test_the_files_are_read_with_their_split(size: int, root: Path) -> None:
    source = FashionMNIST(kind="fashion_mnist", size=size)  # type: ignore[arg-type]
    assert source.missing_files(root) is None
    data = source.load(root)
    assert (source.form, source.shape) == (data.form, data.shape) == ("images", (1, size, size))
    assert (data.classes, data.base, data.modes) == (10, None, None)
    border = (size - 28) // 2
    for train, found, numbers in ((True, data.train, data.train_labels), (False, data.test, data.test_labels)):
        assert found.dtype == np.uint8
        assert numbers.dtype == np.int64
        np.testing.assert_array_equal(numbers, labels(train))
        inner = found[:, 0, border : size - border, border : size - border]
        np.testing.assert_array_equal(inner, images(train))
        assert found.sum(dtype=np.int64) == inner.sum(dtype=np.int64)
    assert source.load(root).digest() == data.digest()


def replaced(raw: Path, name: str, content: bytes) -> Path:
    (raw / name).unlink()
    (raw / name).write_bytes(content)
    return raw / name


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        (LABELS, b"", "which has 0 bytes and not 10,008"),
        ("train-labels-idx1-ubyte", bytes(10_008), "which has 10,008 bytes and not 60,008"),
        ("t10k-images-idx3-ubyte", b"", "which has 0 bytes and not 7,840,016"),
        ("train-images-idx3-ubyte", bytes(9), "which has 9 bytes and not 47,040,016"),
        (LABELS, bytes(10_008), "which does not begin as 10,000 labels do"),
        (
            "t10k-images-idx3-ubyte",
            bytes(7_840_016),
            "which does not begin as 10,000 images of 28x28 pixels do",
        ),
        (
            LABELS,
            bytes([0, 0, 8, 1, 0, 0, 39, 16]) + bytes(9_999) + b"\x0a",
            "which has a label 10 and not only 0 to 9",
        ),
    ],
)
def test_a_file_that_cannot_be_the_original_is_named(name: str, content: bytes, words: str, copy: Path) -> None:
    file, source = replaced(copy, name, content), FashionMNIST(kind="fashion_mnist", size=28)
    with pytest.raises(BadInput) as caught:
        source.load(copy.parents[1])
    assert str(caught.value) == source.missing_files(copy.parents[1])
    assert str(caught.value) == (
        f"datasets.fashion_mnist reads {file}, {words}: the file is corrupt, so replace it with the original."
    )


def test_a_missing_file_of_the_named_folder_is_named(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANPIPE_DATA_ROOT", str(copy.parents[1]))
    (copy / LABELS).unlink()
    assert FashionMNIST(kind="fashion_mnist", size=28).missing_files(copy.parents[1]) == (
        f"datasets.fashion_mnist needs the uncompressed file {copy / LABELS}, which is not there: put it there, point "
        "GANPIPE_DATA_ROOT to the folder that holds FashionMNIST/raw, or unset it to download the data."
    )


@pytest.fixture
def server(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The compressed files where torchvision gets them."""
    folder, known = tmp_path / "server", []
    folder.mkdir()
    for file in sorted((root / "FashionMNIST" / "raw").iterdir()):
        target = folder / f"{file.name}.gz"
        target.write_bytes(gzip.compress(file.read_bytes(), 1))
        known.append((target.name, hashlib.md5(target.read_bytes()).hexdigest()))
    monkeypatch.setattr(datasets.FashionMNIST, "resources", known)
    with served(folder) as address:
        monkeypatch.setattr(datasets.FashionMNIST, "mirrors", [address])
        yield folder


def test_without_a_folder_the_files_are_downloaded(root: Path, server: Path, tmp_path: Path) -> None:
    source = FashionMNIST(kind="fashion_mnist", size=28)
    assert source.missing_files(tmp_path / "raw") is None
    assert source.load(tmp_path / "raw").digest() == source.load(root).digest()
    assert source.missing_files(tmp_path / "raw") is None


@pytest.mark.parametrize("there", [True, False])
def test_a_download_that_fails_is_one_sentence(
    there: bool, server: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = server / f"{LABELS}.gz"
    file.write_bytes(file.read_bytes()[:-9])
    reason = "File not found or corrupted."
    if not there:
        monkeypatch.setattr(datasets.FashionMNIST, "mirrors", [NOBODY])
        reason = "<urlopen error [Errno 111] Connection refused>"
    with pytest.raises(BadInput) as caught:
        FashionMNIST(kind="fashion_mnist", size=28).load(tmp_path / "raw")
    assert str(caught.value) == (
        f"datasets.fashion_mnist could not be read or downloaded to {tmp_path / 'raw'} ({reason}): put the four "
        "uncompressed files into FashionMNIST/raw/ of a folder and point GANPIPE_DATA_ROOT to it."
    )
