"""What is wrong with a folder of images is one sentence, and broken images are skipped where `broken` says so."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from raw_files import fill, noise, put
from test_image_folder import folder_of

from ganpipe.utils.errors import UserError

FORMATS = "BMP, GIF, JPEG, PNG, PPM, TIFF, WEBP"


def png(width: int, height: int) -> bytes:
    """A PNG that says it has this size, and ends where the pixels begin."""
    header = b"IHDR" + struct.pack(">2I5B", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13)
        + header
        + struct.pack(">I", zlib.crc32(header))
        + bytes(4)
        + b"IDAT"
    )


def half(name: str) -> Callable[[Path], None]:
    def make(file: Path) -> None:
        put(file.with_name(name), noise(64, 64))
        content = file.with_name(name).read_bytes()
        file.with_name(name).unlink()
        file.write_bytes(content[: len(content) // 2])

    return make


def dangling(file: Path) -> None:
    file.symlink_to("gone.png")


def in_float(file: Path) -> None:
    Image.fromarray(noise(8, 8, 1).squeeze().astype(np.float32)).save(file, "TIFF")


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "text": (lambda p: p.write_text("hello"), f"which is not an image of a known format ({FORMATS})"),
    "PostScript": (
        lambda p: p.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n"),
        f"which is not an image of a known format ({FORMATS})",
    ),
    "half a JPEG": (half("x.jpg"), "which is a broken image (image file is truncated"),
    "a bomb": (
        lambda p: p.write_bytes(png(10_000, 9_000)),
        "which has more than 89,478,485 pixels, Pillow's limit",
    ),
    "32 bits": (in_float, "which has 32 bits a channel, whose range is not known"),
    "a pipe": (os.mkfifo, "which is not a file"),
    "a link to nothing": (dangling, "which is not a file"),
}
broken = pytest.mark.parametrize(("make", "words"), BROKEN.values(), ids=BROKEN)


@broken
def test_a_broken_image_is_refused(make: Callable[[Path], object], words: str, tmp_path: Path) -> None:
    fill(tmp_path / "images", 4)
    file = tmp_path / "images" / "002x"
    make(file)
    assert folder_of().missing_files(tmp_path) is None  # `ganpipe check` opens no image
    assert folder_of().fingerprint(tmp_path)
    with pytest.raises(UserError) as caught:
        folder_of().load(tmp_path)
    sentence = str(caught.value)
    assert sentence.startswith(f"datasets.image_folder.path reads {file}, {words}")
    assert sentence.endswith(": replace or remove it, or set `broken: skip`.")
    assert "\n" not in sentence
    assert ". " not in sentence


@broken
def test_a_broken_image_is_skipped_and_counted_in_one_line(
    make: Callable[[Path], object], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path / "images", 6)
    expected = folder_of().load(tmp_path).digest()
    first = tmp_path / "images" / "002x"
    make(first)
    assert folder_of(broken="skip").load(tmp_path).digest() == expected
    printed = capsys.readouterr().out
    assert printed.startswith(f"image_folder: skipped 1 of 7 files, the first '{first}', {words}")
    assert printed.count("\n") == 1


def test_a_broken_image_with_an_odd_name_is_named_in_one_line(tmp_path: Path) -> None:
    fill(tmp_path / "images", 4)
    with open(os.fsencode(tmp_path / "images") + b"/002\n\xff", "wb"):
        pass
    with pytest.raises(UserError) as caught:
        folder_of().load(tmp_path)
    assert str(caught.value) == (
        f"datasets.image_folder.path reads {tmp_path}/images/002\\n\\udcff, which is not an image of a known format "
        f"({FORMATS}): replace or remove it, or set `broken: skip`."
    )


def links_out(root: Path) -> None:
    fill(root / "outside", 1)
    (root / "images" / "link.png").symlink_to(root / "outside" / "000.png")


def links_to_a_folder(root: Path) -> None:
    (root / "images" / "link").symlink_to(root / "images")


def classes(*counts: int) -> Callable[[Path], None]:
    def make(root: Path) -> None:
        for file in (root / "images").iterdir():
            file.unlink()
        for label, count in enumerate(counts):
            (root / "images" / "abc"[label]).mkdir()
            fill(root / "images" / "abc"[label], count, first=100 * label)

    return make


def nothing(root: Path) -> None:
    classes()(root)


BOTH = "each class is both in train and in test."
REFUSED: dict[str, tuple[Callable[[Path], object], dict[str, Any], str]] = {
    "no folder": (
        lambda root: (root / "images").rename(root / "other"),
        {},
        "datasets.image_folder.path is 'images', and there is no folder {root}/images: put the images there, or give "
        "the path of their folder, absolute or below GANPIPE_DATA_ROOT.",
    ),
    "no image": (
        nothing,
        {},
        "datasets.image_folder.path holds no images in {root}/images: add some or remove the folder, for " + BOTH,
    ),
    "a link that leads out": (
        links_out,
        {},
        "datasets.image_folder.path holds the link {root}/images/link.png to {root}/outside/000.png: a link may only "
        "lead to a file inside {root}/images, so put a copy there or remove it.",
    ),
    "a link to a folder": (
        links_to_a_folder,
        {},
        "datasets.image_folder.path holds the link {root}/images/link to {root}/images: a link may only lead to a "
        "file inside {root}/images, so put a copy there or remove it.",
    ),
    "an image beside the classes": (
        lambda root: fill(root / "images" / "a", 3),
        {},
        "datasets.image_folder.path holds {root}/images/000.png beside the folders of classes: move it into one of "
        "them, move all images out of them, or set `broken: skip`.",
    ),
    "a class of one image": (
        classes(3, 1, 3),
        {"test": 3},
        "datasets.image_folder.path holds 1 image in {root}/images/b: add some or remove the folder, for " + BOTH,
    ),
    "too few held out": (
        classes(4, 4, 4),
        {"test": 2},
        "datasets.image_folder.test is 2, which holds out 2 of 12 images in 3 classes: make it 3 to 9, for " + BOTH,
    ),
    "too small a share": (
        lambda root: None,
        {"test": 0.01},
        "datasets.image_folder.test is 0.01, which holds out 0 of 6 images in 1 class: make it 1 to 5, for " + BOTH,
    ),
}


@pytest.mark.parametrize(("change", "settings", "sentence"), REFUSED.values(), ids=REFUSED)
def test_an_illegal_folder_is_refused_in_one_sentence(
    change: Callable[[Path], object], settings: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    fill(tmp_path / "images", 6)
    change(tmp_path)
    given = folder_of(**settings)
    with pytest.raises(UserError) as caught:
        given.load(tmp_path)
    assert str(caught.value) == given.missing_files(tmp_path) == sentence.replace("{root}", str(tmp_path))


def test_a_file_beside_the_classes_is_skipped_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(tmp_path / "images" / "a", 3)
    fill(tmp_path / "images" / "b", 3, first=3)
    given = folder_of(broken="skip", test=2)
    expected = given.load(tmp_path).digest()
    (tmp_path / "images" / "Thumbs.db").write_text("x")
    assert given.missing_files(tmp_path) is None
    assert given.load(tmp_path).digest() == expected
    assert capsys.readouterr().out == (
        f"image_folder: skipped 1 of 7 files, the first '{tmp_path}/images/Thumbs.db' beside the folders of classes\n"
    )


def test_a_class_whose_images_are_all_skipped_is_refused(tmp_path: Path) -> None:
    fill(tmp_path / "images" / "a", 4)
    (tmp_path / "images" / "b").mkdir()
    for name in ("x", "y"):
        (tmp_path / "images" / "b" / name).write_text("hello")
    given = folder_of(broken="skip", test=2)
    assert given.missing_files(tmp_path) is None
    with pytest.raises(UserError) as caught:
        given.load(tmp_path)
    assert str(caught.value) == (
        f"datasets.image_folder.path holds no images in {tmp_path}/images/b: add some or remove the folder, for {BOTH}"
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    fill(tmp_path / "images" / "a", 4)
    (tmp_path / "images" / "a").chmod(0)
    sentence = folder_of().missing_files(tmp_path)
    (tmp_path / "images" / "a").chmod(0o755)
    assert sentence == (
        f"datasets.image_folder.path reads {tmp_path}/images/a (Permission denied): make it readable or remove it."
    )
