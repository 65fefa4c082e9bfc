"""Raw files that are not what they should be: one sentence from the stage, and the data of before stays as it was."""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from small_params import is_one_sentence

from ganpipe import prepared
from ganpipe.data import _mnist
from ganpipe.prepared import PreparedDataset
from ganpipe.utils.errors import UserError
from stages import prepare

SETTINGS: dict[str, dict[str, Any]] = {
    "mnist": {"size": 28},
    "stacked_mnist": {"size": 28, "train": 5, "test": 5, "seed": 0},
    "fashion_mnist": {"size": 28},
    "cifar10": {},
    "celeba": {"size": 32, "attribute": None},
    "image_folder": {
        "path": "images", "size": 8, "channels": 3, "test": 1, "split_seed": 0, "broken": "refuse",
    },
}  # fmt: skip
FILES = {
    "mnist": [f"MNIST/raw/{name}" for name in _mnist.FILES],
    "stacked_mnist": [f"MNIST/raw/{name}" for name in _mnist.FILES],
    "fashion_mnist": [f"FashionMNIST/raw/{name}" for name in _mnist.FILES],
    "cifar10": [
        *(f"cifar-10-batches-bin/data_batch_{i}.bin" for i in range(1, 6)),
        "cifar-10-batches-bin/test_batch.bin",
    ],
    "celeba": ["celeba/list_eval_partition.txt", "celeba/img_align_celeba/1.png", "celeba/img_align_celeba/2.png"],
    "image_folder": [f"images/{i}.png" for i in range(4)],
}
# the names that the sentences are over: a person may call an entry as they like
NAME = "mine"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder for raw files, beside a project with prepared data of before, which may not change."""
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    monkeypatch.setenv("GANPIPE_DATA_ROOT", str(tmp_path / "raw"))
    images, labels = np.zeros((3, 1, 8, 8), np.uint8), np.arange(3)
    prepared.write(project / "data/prepared" / NAME, NAME, PreparedDataset(images, labels, images, labels, classes=3))
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    yield tmp_path / "raw"
    spec = project / "data/specs/data.json"
    assert {path: path.read_bytes() for path in project.rglob("*") if path.is_file() and path != spec} == before


def said(kind: str, **changes: Any) -> str:
    """What the stage says of a data set of this kind, which goes by another name."""
    dataset = {"kind": kind, **SETTINGS[kind], **changes}
    spec = Path("data/specs/data.json")
    spec.parent.mkdir(parents=True, exist_ok=True)
    spec.write_text(json.dumps({"data": NAME, "dataset": dataset, "limit": None, "code": {}}))
    with pytest.raises(UserError) as caught:
        prepare.main()
    sentence = str(caught.value)
    assert is_one_sentence(sentence)
    assert sentence.startswith(f"datasets.{NAME}")
    assert ": " in sentence  # the remedy
    return sentence


def png(width: int = 8, height: int = 8) -> bytes:
    """A PNG that says it has this size, and ends where the pixels begin."""
    header = b"IHDR" + struct.pack(">2I5B", width, height, 8, 0, 0, 0, 0)
    check = struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + check + bytes(4) + b"IDAT"


def make(kind: str, root: Path) -> list[Path]:
    """What the data set reads, complete and right in size."""
    files = [root / name for name in FILES[kind]]
    for number, file in enumerate(files):
        file.parent.mkdir(parents=True, exist_ok=True)
        count = 60_000 if file.name.startswith("train") else 10_000
        if file.suffix == ".png":
            side = (178, 218) if kind == "celeba" else (8, 8)
            Image.new("RGB", side, (number, 0, 0)).save(file)
        elif file.suffix == ".txt":
            file.write_text("1.png 0\n2.png 2\n")
        elif "labels" in file.name:
            file.write_bytes(struct.pack(">2i", 2049, count) + bytes(count))
        elif "images" in file.name:
            file.write_bytes(struct.pack(">4i", 2051, count, 28, 28))
            os.truncate(file, 16 + (count if kind == "fashion_mnist" else 10) * 784)
        else:
            file.write_bytes(b"")
            os.truncate(file, 30_730_000)
    return files


def directory(file: Path) -> None:
    file.unlink()
    file.mkdir()


def link_to_nothing(file: Path) -> None:
    file.unlink()
    file.symlink_to(file.with_name("gone"))


def link_to_itself(file: Path) -> None:
    file.unlink()
    file.symlink_to(file)


def unreadable(file: Path) -> None:
    """A file that is there and fails while it is read, for root as well."""
    file.unlink()
    file.symlink_to("/proc/self/mem")


DAMAGES: dict[str, Callable[[Path], object]] = {
    "cut off": lambda file: os.truncate(file, file.stat().st_size // 2),
    "empty": lambda file: os.truncate(file, 0),
    "a byte short": lambda file: os.truncate(file, file.stat().st_size - 1),
    "other bytes": lambda file: file.write_bytes(b"\xff\xfe<html>404</html>\x00"),
    "a folder": directory,
    "a link to nothing": link_to_nothing,
    "a link to itself": link_to_itself,
    "gone": Path.unlink,
    "fails": unreadable,
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("kind", FILES)
def test_each_file_damaged(kind: str, damage: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = make(kind, root)
    if "mnist" in kind and kind != "fashion_mnist":  # as though the files were the originals
        import hashlib

        sums = {file.name: hashlib.md5(file.read_bytes()).hexdigest() for file in files}
        monkeypatch.setattr(_mnist, "FILES", sums)
    if kind == "image_folder" and damage in ("gone", "a folder"):
        pytest.skip("a folder of images has no list of them")
    for file in (files[0], files[-1]):
        if damage == "a byte short" and file.suffix in (".txt", ".png"):
            continue  # the end of the last line, or of a checksum behind the last pixel
        DAMAGES[damage](file)
        sentence = said(kind)
        assert str(file) in sentence or str(file.parent) in sentence
        if os.path.lexists(file):
            file.rmdir() if file.is_dir() else file.unlink()
        make(kind, root)


FOLDERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "no image": (lambda folder: [file.unlink() for file in folder.iterdir()], "holds no images in "),
    "one image": (lambda folder: [(folder / f"{i}.png").unlink() for i in range(3)], "holds 1 image in "),
    "no folder": (lambda folder: folder.rename(folder.with_name("other")), "and there is no folder "),
    "corrupt": (lambda folder: (folder / "2.png").write_bytes(png()), "which is a broken image ("),
    "a bomb": (lambda folder: (folder / "2.png").write_bytes(png(60_000, 60_000)), "which has more than 89,478,485"),
    "the largest bomb": (lambda folder: (folder / "2.png").write_bytes(png(2**31 - 1, 2**31 - 1)), "Pillow's limit"),
    "a page": (
        lambda folder: (folder / "2.png").write_text("<html>404</html>"),
        "which is not an image of a known format",
    ),
    "a link out": (
        lambda folder: (folder / "2.gif").symlink_to("/etc/passwd"),
        "to /etc/passwd: a link may only lead to",
    ),
    "a link up": (lambda folder: (folder / "up").symlink_to(".."), "a link may only lead to a file inside "),
    "a link to the root": (lambda folder: (folder / "x").symlink_to("/"), "a link may only lead to a file inside "),
    "beside a class": (lambda folder: (folder / "class").mkdir(), "beside the folders of classes"),
}


@pytest.mark.parametrize(("change", "words"), FOLDERS.values(), ids=FOLDERS)
def test_a_folder_of_images(change: Callable[[Path], object], words: str, root: Path) -> None:
    make("image_folder", root)
    change(root / "images")
    assert words in said("image_folder")


NAMES = [
    "a\nb", "\x1b[31m", "a\u2028b", "..x", "a..b", "'; touch harm; '", "$(touch harm)", "<script>alert(1)<br>", "-rf",
    "*", "a" * 250, "\udcff", "é", " ",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES, ids=[ascii(name)[1:21] for name in NAMES])
def test_a_file_of_any_name_is_read_or_named_in_one_line(name: str, root: Path) -> None:
    make("image_folder", root)
    odd = root / "images" / name
    (root / "images" / "2.png").rename(odd)
    spec = {"data": NAME, "dataset": {"kind": "image_folder", **SETTINGS["image_folder"]}, "limit": None, "code": {}}
    dataset = prepare.part_class("ganpipe.data", "image_folder").model_validate(spec["dataset"])
    hidden = name.startswith(".")
    assert len(dataset.load(root).train) == (2 if hidden else 3)  # type: ignore[attr-defined]
    odd.write_bytes(b"broken")
    if not hidden:
        assert "which is not an image of a known format" in said("image_folder")
    assert not (root / "harm").exists()
    assert not Path("harm").exists()


@pytest.mark.parametrize("name", ["a\nb", "<b>", "'", "..x y", "$(touch harm)", "\x1b[31m"])
def test_a_class_of_any_name(name: str, root: Path) -> None:
    make("image_folder", root)
    (root / "images").rename(root / "class")
    (root / "images").mkdir()
    (root / "class").rename(root / "images" / f"c{name}")
    (root / "images" / f"d{name}").mkdir()
    assert "holds no images in " in said("image_folder", test=2)


@pytest.mark.parametrize(
    ("path", "words"),
    [("../nowhere", "and there is no folder "), ("x" * 3000, "and there is no folder "), ("/etc/passwd", "no folder")],
)
def test_a_path_that_leads_nowhere(path: str, words: str, root: Path) -> None:
    assert words in said("image_folder", path=path)


@pytest.mark.parametrize(
    "names", ["../1.png 0", "1.png 0 0", "1.png x", "\u202e 0", "<b> 0", "1.png 9" * 1000, "1.png 0\n" * 2]
)
def test_a_list_of_faces(names: str, root: Path) -> None:
    make("celeba", root)
    (root / FILES["celeba"][0]).write_text(names + "\n", encoding="utf-8")
    said("celeba")


def test_data_that_does_not_fit_into_memory(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make("image_folder", root)

    def empty(*_: Any) -> Any:
        raise MemoryError("Unable to allocate 14.9 GiB for an array with shape (1,)")

    monkeypatch.setattr(np, "empty", empty)
    assert "does not fit into this machine's memory (Unable to allocate 14.9 GiB" in said("image_folder")


@pytest.mark.parametrize("content", ["", "[]", "3", "null", "{", '{"data": ', "\xff"])
def test_a_spec_that_is_none(content: str, root: Path) -> None:
    spec = Path("data/specs/data.json")
    spec.parent.mkdir(parents=True)
    spec.write_bytes(content.encode("latin-1"))
    with pytest.raises(UserError, match=r"data/specs/data\.json is missing or broken: run `dvc repro resolve` first\."):
        prepare.main()
