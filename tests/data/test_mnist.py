"""MNIST: the real files where they are there, and the sentences where they are not, are corrupt, or cannot be had."""

from __future__ import annotations

import gzip
import hashlib
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganpipe.data import _mnist
from ganpipe.data._mnist import FILES
from ganpipe.data.mnist import MNIST
from ganpipe.errors import BadInput

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "mnist"
SENTENCE = "put the four uncompressed files into MNIST/raw/ of a folder and point GANPIPE_DATA_ROOT to it."


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with MNIST/raw and the four files."""
    if not all((SHARED / f"{name}.gz").is_file() for name in FILES):
        pytest.skip(f"the files of MNIST are not in {SHARED}")
    folder = tmp_path_factory.mktemp("raw")
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name in FILES:
        with gzip.open(SHARED / f"{name}.gz") as source, (raw / name).open("wb") as target:
            shutil.copyfileobj(source, target)
    return folder


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with four small files that pass for the originals."""
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    known = {}
    for name in FILES:
        (raw / name).write_text(name)
        known[name] = hashlib.md5(name.encode()).hexdigest()
    monkeypatch.setattr(_mnist, "FILES", known)
    return tmp_path


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GANPIPE_DATA_ROOT", raising=False)


def refuse_to_load(monkeypatch: pytest.MonkeyPatch, error: Exception | None = None) -> list[dict[str, Any]]:
    """Stand in for torchvision, which may not be asked here; `error` is what it says. Returns how it was asked."""
    from torchvision import datasets

    asked: list[dict[str, Any]] = []

    def stand_in(*args: Any, **kwargs: Any) -> None:
        asked.append(kwargs)
        raise error or AssertionError("torchvision was asked")

    monkeypatch.setattr(datasets, "MNIST", stand_in)
    return asked


def test_the_real_files_at_28_and_32_pixels(root: Path) -> None:
    small, large = (MNIST(kind="mnist", size=size) for size in (28, 32))  # type: ignore[arg-type]
    plain, padded = small.load(root), large.load(root)
    for source, data, size in ((small, plain, 28), (large, padded, 32)):
        assert (source.form, source.shape) == (data.form, data.shape) == ("images", (1, size, size))
        assert data.train.shape == (60_000, 1, size, size)
        assert data.test.shape == (10_000, 1, size, size)
        assert data.train.dtype == np.uint8
        assert data.train_labels.dtype == data.test_labels.dtype == np.int64
        assert data.train_labels[:5].tolist() == [5, 0, 4, 1, 9]
        assert np.bincount(data.test_labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    images = (root / "MNIST" / "raw" / "t10k-images-idx3-ubyte").read_bytes()[16:]
    assert plain.test.tobytes() == images
    # a border of two black pixels, and the digits as they are
    np.testing.assert_array_equal(padded.train[:, :, 2:-2, 2:-2], plain.train)
    assert int(padded.train.sum(dtype=np.int64)) == int(plain.train.sum(dtype=np.int64))


def test_a_corrupt_file_is_named_in_one_sentence(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = MNIST(kind="mnist", size=28)
    asked = refuse_to_load(monkeypatch)
    assert source.missing_files(fake) is None
    for name in FILES:
        file = fake / "MNIST" / "raw" / name
        file.write_text("x" + name[1:])
        sentence = source.missing_files(fake)
        assert sentence is not None
        assert str(file) in sentence
        assert f"whose MD5 is not {_mnist.FILES[name]}" in sentence
        assert sentence.endswith("replace it with the original.")
        assert ". " not in sentence
        with pytest.raises(BadInput) as caught:
            source.load(fake)
        assert str(caught.value) == sentence
        file.write_text(name)
    assert not asked


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_of_the_named_folder_is_named_in_one_sentence(
    name: str, fake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANPIPE_DATA_ROOT", str(fake))
    asked = refuse_to_load(monkeypatch)
    file = fake / "MNIST" / "raw" / name
    file.unlink()
    with pytest.raises(BadInput) as caught:
        MNIST(kind="mnist", size=32).load(fake)
    sentence = str(caught.value)
    assert f"datasets.mnist needs the uncompressed file {file}, which is not there" in sentence
    assert "unset it to download the data." in sentence
    assert ". " not in sentence
    assert not asked


def test_compressed_files_alone_are_not_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANPIPE_DATA_ROOT", str(tmp_path))
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name in FILES:
        (raw / f"{name}.gz").write_text(name)
    sentence = MNIST(kind="mnist", size=28).missing_files(tmp_path)
    assert sentence is not None
    assert "uncompressed" in sentence


@pytest.mark.parametrize("left_over", [(), ("MNIST/raw",), ("MNIST/raw/train-images-idx3-ubyte",)])
@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RuntimeError("Error downloading x.gz:\nTried http://a, got:\n<urlopen error no route to host>\n"), "no route"),
        (OSError(28, "No space left on device"), "No space left on device"),
        (ValueError(), "ValueError"),
    ],
)
def test_without_a_folder_the_files_are_downloaded_and_a_failure_is_one_sentence(
    left_over: tuple[str, ...], error: Exception, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where an earlier download broke off and left its folder or a file behind."""
    asked = refuse_to_load(monkeypatch, error)
    for name in left_over:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch() if name.endswith("ubyte") else (tmp_path / name).mkdir()
    source = MNIST(kind="mnist", size=28)
    assert source.missing_files(tmp_path) is None
    with pytest.raises(BadInput) as caught:
        source.load(tmp_path)
    assert asked == [{"train": True, "download": True}]
    sentence = str(caught.value)
    assert f"could not be read or downloaded to {tmp_path}" in sentence
    assert reason in sentence
    assert sentence.endswith(SENTENCE)
    assert "\n" not in sentence
