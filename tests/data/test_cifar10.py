"""CIFAR-10's binary version: batches that the test makes, read from a folder and downloaded; and what is wrong."""

from __future__ import annotations

import hashlib
import io
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from serving import NOBODY, served

from ganpipe.data import cifar10
from ganpipe.data.cifar10 import CIFAR10
from ganpipe.errors import BadInput

NAMES = [*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"]
SOURCE = CIFAR10(kind="cifar10")


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GANPIPE_DATA_ROOT", raising=False)


def batch(number: int) -> tuple[np.ndarray, np.ndarray]:
    """10,000 images (N, H, W, 3) in red, green and blue, and their labels."""
    rng = np.random.default_rng(number)
    images = np.tile(rng.integers(256, size=(100, 32, 32, 3), dtype=np.uint8), (100, 1, 1, 1))
    images[:, 0, 0, 0], images[:, 0, 1, 0] = np.arange(10_000) % 256, np.arange(10_000) // 256
    return images, rng.integers(10, size=10_000)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """As the page of the data describes it: a label, then 1024 bytes each of red, green and blue, row by row."""
    folder = tmp_path_factory.mktemp("cifar") / "cifar-10-batches-bin"
    folder.mkdir()
    for number, name in enumerate(NAMES):
        images, labels = batch(number)
        planes = [images[..., colour].reshape(10_000, 1024) for colour in range(3)]
        (folder / name).write_bytes(np.hstack([labels[:, None].astype(np.uint8), *planes]).tobytes())
    yield folder.parent
    shutil.rmtree(folder.parent)  # 180 MB


@pytest.fixture
def copy(root: Path, tmp_path: Path) -> Path:
    """A folder of its own with the same files: links to them, to be replaced."""
    folder = tmp_path / "cifar-10-batches-bin"
    folder.mkdir()
    for name in NAMES:
        (folder / name).symlink_to(root / folder.name / name)
    return folder


def test_the_batches_are_read_in_order_with_their_colours(root: Path) -> None:
    assert SOURCE.missing_files(root) is None
    data = SOURCE.load(root)
    assert (SOURCE.form, SOURCE.shape) == (data.form, data.shape) == ("images", (3, 32, 32))
    assert (data.classes, data.base, data.modes) == (10, None, None)
    assert (data.train.shape, data.test.shape) == ((50_000, 3, 32, 32), (10_000, 3, 32, 32))
    assert data.train.dtype == data.test.dtype == np.uint8
    assert data.train_labels.dtype == data.test_labels.dtype == np.int64
    for number in range(6):
        images, labels = batch(number)
        part = slice(10_000 * number, 10_000 * (number + 1))
        found, found_labels = (
            (data.train[part], data.train_labels[part]) if number < 5 else (data.test, data.test_labels)
        )
        np.testing.assert_array_equal(found.transpose(0, 2, 3, 1), images)
        np.testing.assert_array_equal(found_labels, labels)
    assert SOURCE.load(root).digest() == data.digest()


@pytest.mark.parametrize("name", [NAMES[2], NAMES[-1]])
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "which has 0 bytes and not 30,730,000"),
        (bytes(3073), "which has 3,073 bytes and not 30,730,000"),
        (bytes(30_730_001), "which has 30,730,001 bytes and not 30,730,000"),
        (bytes(30_730_000 - 3073) + b"\x0a" + bytes(3072), "which has a label 10 and not only 0 to 9"),
    ],
)
def test_a_file_that_cannot_be_the_original_is_named(name: str, content: bytes, words: str, copy: Path) -> None:
    (copy / name).unlink()
    (copy / name).write_bytes(content)
    with pytest.raises(BadInput) as caught:
        SOURCE.load(copy.parent)
    assert str(caught.value) == SOURCE.missing_files(copy.parent)
    assert str(caught.value) == (
        f"datasets.cifar10 reads {copy / name}, {words}: the file is corrupt, so replace it with the original."
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_file_of_the_named_folder_is_named(name: str, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANPIPE_DATA_ROOT", str(copy.parent))
    (copy / name).unlink()
    assert SOURCE.missing_files(copy.parent) == (
        f"datasets.cifar10 needs the file of the binary version {copy / name}, which is not there: put it there, point "
        "GANPIPE_DATA_ROOT to the folder that holds cifar-10-batches-bin, or unset it to download the data."
    )


@pytest.fixture(scope="module")
def archive(root: Path) -> Path:
    file = root / "server" / "cifar-10-binary.tar.gz"
    file.parent.mkdir()
    with tarfile.open(file, "w:gz", compresslevel=1) as tar:
        tar.add(root / "cifar-10-batches-bin", "cifar-10-batches-bin")
    return file


@pytest.fixture
def address(archive: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Where the archive is downloaded from."""
    with served(archive.parent) as address:
        monkeypatch.setattr(cifar10, "URL", f"{address}{archive.name}")
        monkeypatch.setattr(cifar10, "MD5", hashlib.md5(archive.read_bytes()).hexdigest())
        yield


@pytest.mark.usefixtures("address")
def test_without_a_folder_the_archive_is_downloaded_once(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert SOURCE.missing_files(tmp_path / "raw") is None
    digest = SOURCE.load(tmp_path / "raw").digest()
    assert digest == SOURCE.load(root).digest()
    monkeypatch.setattr(cifar10, "URL", NOBODY)
    assert SOURCE.load(tmp_path / "raw").digest() == digest
    shutil.rmtree(tmp_path / "raw")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("MD5", "0" * 32), "File not found or corrupted."),
        (("URL", f"{NOBODY}cifar-10-binary.tar.gz"), "<urlopen error [Errno 111] Connection refused>"),
    ],
)
@pytest.mark.usefixtures("address")
def test_a_download_that_fails_is_one_sentence(
    change: tuple[str, str], reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cifar10, *change)
    with pytest.raises(BadInput) as caught:
        SOURCE.load(tmp_path / "raw")
    assert str(caught.value) == (
        f"datasets.cifar10 could not be read or downloaded to {tmp_path / 'raw'} ({reason}): put the six files of the "
        "binary version into cifar-10-batches-bin/ of a folder and point GANPIPE_DATA_ROOT to it."
    )


def pack(archive: Path, *members: tarfile.TarInfo | str) -> None:
    with tarfile.open(archive, "w:gz") as tar:
        for member in members:
            info = tarfile.TarInfo(member) if isinstance(member, str) else member
            info.size = 4 if info.isfile() else 0
            tar.addfile(info, io.BytesIO(b"evil") if info.isfile() else None)


SIX = [f"cifar-10-batches-bin/{name}" for name in cifar10.CIFAR10.files]


def test_an_archive_cannot_write_elsewhere(tmp_path: Path) -> None:
    archive, inside = tmp_path / "evil.tar.gz", tmp_path / "inside"
    pack(archive, "../outside.bin", *SIX, "cifar-10-batches-bin/more.bin")
    cifar10.unpack(archive, inside)
    assert not (tmp_path / "outside.bin").exists()
    assert {path.relative_to(inside).as_posix() for path in inside.rglob("*") if path.is_file()} == set(SIX)
    assert (inside / SIX[0]).read_bytes() == b"evil"


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, None])
def test_an_archive_with_something_else_in_a_place_is_refused(kind: bytes | None, tmp_path: Path) -> None:
    """A link to a file of this machine, a folder, or nothing: what it leads to is never read."""
    (tmp_path / "secret").write_bytes(b"mine")
    odd = tarfile.TarInfo(SIX[0])
    odd.type, odd.linkname = kind or tarfile.REGTYPE, str(tmp_path / "secret")
    pack(tmp_path / "odd.tar.gz", *([odd] if kind else []), *SIX[1:])
    with pytest.raises(ValueError, match=r"^odd\.tar\.gz: "):
        cifar10.unpack(tmp_path / "odd.tar.gz", tmp_path / "inside")
    assert not (tmp_path / "inside" / SIX[0]).exists()


def test_a_broken_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "half.tar.gz").write_bytes(b"no archive")
    with pytest.raises(ValueError, match=r"^half\.tar\.gz: "):
        cifar10.unpack(tmp_path / "half.tar.gz", tmp_path / "inside")
