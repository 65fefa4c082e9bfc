"""Small raw files for the data sets that need some.

`RAW_FILES` has one function for each kind. It writes the files below the folder for raw files, as its entry in
params.yaml expects them, and sets the published sizes and checksums to those of the files.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganpipe.data import _mnist, cifar10, fashion_mnist

Array = np.ndarray[Any, np.dtype[Any]]
COUNTS = {"train": 50, "t10k": 20}
RECORDS = 30


def idx_split(name: str) -> tuple[Array, Array]:
    """Images uint8 (N, 28, 28) and labels (N,) of "train" or "t10k"."""
    rng, count = np.random.default_rng(len(name)), COUNTS[name]
    return rng.integers(256, size=(count, 28, 28), dtype=np.uint8), rng.permutation(np.arange(count) % 10)


def write_idx(raw: Path) -> None:
    """The four uncompressed files of MNIST's format."""
    raw.mkdir(parents=True)
    for name in COUNTS:
        images, labels = idx_split(name)
        header = struct.pack(">4i", 2051, *images.shape)
        (raw / f"{name}-images-idx3-ubyte").write_bytes(header + images.tobytes())
        header = struct.pack(">2i", 2049, len(labels))
        (raw / f"{name}-labels-idx1-ubyte").write_bytes(header + labels.astype(np.uint8).tobytes())


def make_mnist(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = root / "MNIST" / "raw"
    write_idx(raw)
    known = {name: hashlib.md5((raw / name).read_bytes()).hexdigest() for name in _mnist.FILES}
    monkeypatch.setattr(_mnist, "FILES", known)


def make_fashion_mnist(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_idx(root / "FashionMNIST" / "raw")
    monkeypatch.setattr(fashion_mnist, "TRAIN", COUNTS["train"])
    monkeypatch.setattr(fashion_mnist, "TEST", COUNTS["t10k"])


def cifar10_batch(number: int) -> tuple[Array, Array]:
    """Images (N, H, W, 3) in red, green and blue, and their labels."""
    rng = np.random.default_rng(number)
    return rng.integers(256, size=(RECORDS, 32, 32, 3), dtype=np.uint8), rng.permutation(np.arange(RECORDS) % 10)


def make_cifar10(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the page of the data describes it: a label, then 1024 bytes each of red, green and blue, row by row."""
    folder = root / "cifar-10-batches-bin"
    folder.mkdir(parents=True)
    for number, name in enumerate(cifar10.CIFAR10.files):
        images, labels = cifar10_batch(number)
        planes = [images[..., colour].reshape(RECORDS, 1024) for colour in range(3)]
        (folder / name).write_bytes(np.hstack([labels[:, None].astype(np.uint8), *planes]).tobytes())
    monkeypatch.setattr(cifar10, "RECORDS", RECORDS)


FACES = [f"{number:06}.jpg" for number in range(1, 13)]
FACE_PARTS = [0, 2, 1, 0, 0, 2, 0, 1, 0, 0, 2, 0]
SMILING = [1, -1, 1, -1, 1, 1, -1, -1, 1, 1, -1, -1]


def face(number: int) -> Array:
    """(218, 178, 3): random pixels."""
    return np.random.default_rng(number).integers(256, size=(218, 178, 3), dtype=np.uint8)


def make_celeba(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The images are PNGs under the names of JPEGs, so that their pixels are exact."""
    images = root / "celeba" / "img_align_celeba"
    images.mkdir(parents=True)
    for number, name in enumerate(FACES):
        Image.fromarray(face(number)).save(images / name, "PNG")
    lines = [f"{name} {part}" for name, part in zip(FACES, FACE_PARTS, strict=True)]
    (root / "celeba" / "list_eval_partition.txt").write_text("\n".join(lines[::-1]) + "\n")
    rows = [f"{name} -1  {value} " for name, value in zip(FACES, SMILING, strict=True)]
    (root / "celeba" / "list_attr_celeba.txt").write_text("\n".join([f"{len(FACES)}", "Bald Smiling ", *rows]) + "\n")


def noise(height: int, width: int, channels: int = 3, seed: int = 0) -> Array:
    """Random pixels, uint8 (H, W, C)."""
    return np.random.default_rng(seed).integers(256, size=(height, width, channels), dtype=np.uint8)


def put(file: Path, pixels: Array | Image.Image, **how: Any) -> None:
    """Write an image and the folders that it lies in."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if not isinstance(pixels, Image.Image):
        pixels = Image.fromarray(pixels.squeeze(2) if pixels.shape[2:] == (1,) else pixels)
    pixels.save(file, **how)


def fill(folder: Path, count: int, first: int = 0) -> None:
    """So many different images of 8x8 pixels."""
    for number in range(first, first + count):
        put(folder / f"{number:03}.png", noise(8, 8, seed=number))


def make_image_folder(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(root / "images" / "cats", 12)
    fill(root / "images" / "dogs", 8, first=12)


RAW_FILES: dict[str, Callable[[Path, pytest.MonkeyPatch], None]] = {
    "mnist": make_mnist,
    "stacked_mnist": make_mnist,
    "fashion_mnist": make_fashion_mnist,
    "cifar10": make_cifar10,
    "celeba": make_celeba,
    "image_folder": make_image_folder,
}
