"""MNIST, Fashion-MNIST and CIFAR-10: what is read, what is refused, and downloads from a server on this machine."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from changed_params import no_data_root
from raw_files import RAW_FILES, cifar10_batch, idx_split
from serving import NOBODY, served
from torchvision import datasets

from ganpipe.data import cifar10
from ganpipe.data._downloaded import DownloadedImages
from ganpipe.data.cifar10 import CIFAR10
from ganpipe.data.fashion_mnist import FashionMNIST
from ganpipe.data.mnist import MNIST
from ganpipe.utils.errors import UserError

_environment = pytest.fixture(no_data_root, autouse=True)
ALL: dict[str, DownloadedImages] = {
    "mnist": MNIST(kind="mnist", size=28),
    "fashion_mnist": FashionMNIST(kind="fashion_mnist", size=28),
    "cifar10": CIFAR10(kind="cifar10"),
}
each = pytest.mark.parametrize("kind", ALL)


@pytest.fixture
def root(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for raw files, with those of the data set."""
    RAW_FILES[kind](tmp_path / "raw", monkeypatch)
    return tmp_path / "raw"


@pytest.mark.parametrize("kind", ["mnist", "fashion_mnist"])
def test_idx_images_are_read_with_their_split_and_a_border(kind: str, root: Path) -> None:
    small, large = (ALL[kind].model_copy(update={"size": size}).load(root) for size in (28, 32))
    for name, found, labels in (("train", small.train, small.train_labels), ("t10k", small.test, small.test_labels)):
        images, expected_labels = idx_split(name)
        np.testing.assert_array_equal(found[:, 0], images)
        np.testing.assert_array_equal(labels, expected_labels)
    np.testing.assert_array_equal(large.train, np.pad(small.train, ((0, 0), (0, 0), (2, 2), (2, 2))))


@pytest.mark.parametrize("kind", ["cifar10"])
def test_cifar10_is_read_in_order_with_its_colours(kind: str, root: Path) -> None:
    data = ALL[kind].load(root)
    batches = [cifar10_batch(number) for number in range(6)]
    images = np.concatenate([data.train, data.test]).transpose(0, 2, 3, 1)
    np.testing.assert_array_equal(images, np.concatenate([images for images, _ in batches]))
    labels = np.concatenate([data.train_labels, data.test_labels])
    np.testing.assert_array_equal(labels, np.concatenate([labels for _, labels in batches]))
    assert len(data.test) == len(batches[5][1])


@pytest.mark.parametrize(
    ("kind", "name", "change", "words"),
    [
        ("mnist", "train-images-idx3-ubyte", lambda old: old[:-1] + b"\0\0", "whose MD5 is not "),
        ("fashion_mnist", "t10k-labels-idx1-ubyte", lambda old: b"", "which has 0 bytes and not 28"),
        ("fashion_mnist", "train-images-idx3-ubyte", lambda old: old[1:], "which has 39,215 bytes and not 39,216"),
        (
            "fashion_mnist",
            "t10k-labels-idx1-ubyte",
            lambda old: b"\1" + old[1:],
            "whose header is not that of 20 labels",
        ),
        ("fashion_mnist", "train-labels-idx1-ubyte", lambda old: old[:-1] + b"\x0a", "which has a label 10"),
        ("cifar10", "test_batch.bin", lambda old: old[:-1], "which has 92,189 bytes and not 92,190"),
        ("cifar10", "data_batch_3.bin", lambda old: b"\x0a" + old[1:], "which has a label 10"),
    ],
)
def test_a_corrupt_file_is_one_sentence(
    kind: str, name: str, change: Callable[[bytes], bytes], words: str, root: Path
) -> None:
    file = root / ALL[kind].folder / name
    file.write_bytes(change(file.read_bytes()))
    with pytest.raises(UserError) as caught:
        ALL[kind].load(root)
    assert str(caught.value).startswith(f"datasets.{kind} reads {file}, {words}")
    assert str(caught.value).endswith(": replace it with the original.")


@each
def test_each_missing_file_is_named(kind: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = ALL[kind]
    monkeypatch.setenv("GANPIPE_DATA_ROOT", str(root))
    for name in given.files:
        file = root / given.folder / name
        content = file.read_bytes()
        file.rename(file.with_name(f"{name}.gz"))  # a compressed one is not enough
        assert given.missing_files(root) == (
            f"datasets.{kind} needs the file {file}, which is missing: put the {given.description} into "
            f"{given.folder}/ of a folder and point GANPIPE_DATA_ROOT to it, or unset it to download the data."
        )
        file.write_bytes(content)


@pytest.fixture
def server(kind: str, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with what is published, served where the data set downloads it from."""
    folder, raw, target = tmp_path / "server", root / ALL[kind].folder, ALL[kind].__class__.__name__
    folder.mkdir()
    with served(folder) as address:
        if kind == "cifar10":
            archive = folder / "cifar-10-binary.tar.gz"
            with tarfile.open(archive, "w:gz") as tar:
                tar.add(raw, raw.name)
            monkeypatch.setattr(cifar10, "URL", f"{address}{archive.name}")
            monkeypatch.setattr(cifar10, "MD5", hashlib.md5(archive.read_bytes()).hexdigest())
        else:
            known = []
            for file in sorted(raw.iterdir()):
                packed = folder / f"{file.name}.gz"
                packed.write_bytes(gzip.compress(file.read_bytes()))
                known.append((packed.name, hashlib.md5(packed.read_bytes()).hexdigest()))
            monkeypatch.setattr(getattr(datasets, target), "resources", known)
            monkeypatch.setattr(getattr(datasets, target), "mirrors", [address])
        yield folder


@each
def test_missing_files_are_downloaded_once(kind: str, root: Path, server: Path, tmp_path: Path) -> None:
    """Even where an earlier download was interrupted and left a file behind."""
    given, new = ALL[kind], tmp_path / "new"
    (new / given.folder).mkdir(parents=True)
    (new / given.folder / given.files[0]).touch()
    assert given.missing_files(new) is None
    assert given.load(new).digest() == given.load(root).digest()
    for file in server.iterdir():
        file.unlink()
    assert given.load(new).digest() == given.load(root).digest()


@each
@pytest.mark.parametrize("change", ["corrupt", "unreachable"])
def test_a_failed_download_is_one_sentence(
    kind: str, change: str, server: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, new = ALL[kind], tmp_path / "new"
    if change == "corrupt":
        for file in server.iterdir():
            file.write_bytes(file.read_bytes()[:-9])
    elif kind == "cifar10":
        monkeypatch.setattr(cifar10, "URL", f"{NOBODY}cifar-10-binary.tar.gz")
    else:
        monkeypatch.setattr(getattr(datasets, type(given).__name__), "mirrors", [NOBODY])
    reason = {
        "corrupt": "File not found or corrupted.",
        "unreachable": "<urlopen error [Errno 111] Connection refused>",
    }
    with pytest.raises(UserError) as caught:
        given.load(new)
    assert str(caught.value) == (
        f"datasets.{kind} could not be read or downloaded to {new} ({reason[change]}): put the {given.description} "
        f"into {given.folder}/ of a folder and point GANPIPE_DATA_ROOT to it."
    )


def pack(archive: Path, *members: tarfile.TarInfo | str) -> None:
    with tarfile.open(archive, "w:gz") as tar:
        for member in members:
            info = tarfile.TarInfo(member) if isinstance(member, str) else member
            info.size = 4 if info.isfile() else 0
            tar.addfile(info, io.BytesIO(b"evil") if info.isfile() else None)


SIX = [f"cifar-10-batches-bin/{name}" for name in CIFAR10.files]


def test_an_archive_cannot_write_elsewhere(tmp_path: Path) -> None:
    archive, inside = tmp_path / "evil.tar.gz", tmp_path / "inside"
    pack(archive, "../outside.bin", *SIX, "cifar-10-batches-bin/more.bin")
    cifar10.unpack(archive, inside)
    assert not (tmp_path / "outside.bin").exists()
    assert {path.relative_to(inside).as_posix() for path in inside.rglob("*") if path.is_file()} == set(SIX)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.DIRTYPE, None])
def test_an_archive_with_a_link_or_a_folder_in_place_of_a_file_is_refused(kind: bytes | None, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"mine")
    odd = tarfile.TarInfo(SIX[0])
    odd.type, odd.linkname = kind or tarfile.REGTYPE, str(tmp_path / "secret")
    pack(tmp_path / "odd.tar.gz", *([odd] if kind else []), *SIX[1:])
    with pytest.raises(ValueError, match=r"^odd\.tar\.gz: "):
        cifar10.unpack(tmp_path / "odd.tar.gz", tmp_path / "inside")
    assert not (tmp_path / "inside" / SIX[0]).exists()
