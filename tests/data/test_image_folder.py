"""A folder of images: its pixels against independent arithmetic, its classes, its split and its fingerprint."""

from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from raw_files import Array, fill, noise, put

from ganpipe import prepared
from ganpipe.data.image_folder import ImageFolder
from ganpipe.prepared import PreparedDataset
from ganpipe.utils.errors import UserError


def folder_of(path: str = "images", **changes: Any) -> ImageFolder:
    """The data set, with one test image unless changed."""
    settings: dict[str, Any] = {"size": 8, "channels": 3, "test": 1, "split_seed": 0, "broken": "refuse"}
    return ImageFolder.model_validate({"kind": "image_folder", "path": path, **settings, **changes})


def together(data: PreparedDataset) -> tuple[Array, np.ndarray[Any, Any]]:
    return np.concatenate([data.train, data.test]), np.concatenate([data.train_labels, data.test_labels])


def only(
    root: Path, pixels: Array | Image.Image, name: str = "a.png", how: dict[str, Any] | None = None, **changes: Any
) -> Array:
    """What a folder makes of this one image, (C, S, S): it is put there twice, for the split."""
    for twin in ("first", "second"):
        put(root / "images" / f"{twin} {name}", pixels, **(how or {}))
    data = folder_of(**changes).load(root)
    assert len(data.train) == len(data.test) == 1
    np.testing.assert_array_equal(data.train, data.test)
    return data.train[0]


# --- pixels --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [8, 28])
def test_an_image_of_the_size_is_taken_as_it_is(size: int, tmp_path: Path) -> None:
    pixels = noise(size, size)
    np.testing.assert_array_equal(only(tmp_path, pixels, size=size), pixels.transpose(2, 0, 1))


@pytest.mark.parametrize(
    ("height", "width", "top", "left"), [(16, 20, 0, 2), (16, 21, 0, 2), (21, 16, 2, 0), (16, 40, 0, 12)]
)
def test_the_square_is_about_the_centre(height: int, width: int, top: int, left: int, tmp_path: Path) -> None:
    pixels = noise(height, width)
    expected = pixels[top : top + 16, left : left + 16].transpose(2, 0, 1)
    np.testing.assert_array_equal(only(tmp_path, pixels, size=16), expected)


def keys(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Keys' cubic kernel with a = -1/2."""
    x = np.abs(values)
    near, far = 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def weights(before: int, after: int) -> np.ndarray[Any, Any]:
    """The kernel about each new pixel, as wide as it is where the image shrinks, (after, before)."""
    scale = before / after
    centres, pixels = (np.arange(after) + 0.5) * scale, np.arange(before) + 0.5
    found = keys((pixels - centres[:, None]) / max(scale, 1))
    return found / found.sum(1, keepdims=True)


@pytest.mark.parametrize(("side", "size"), [(47, 16), (64, 8), (9, 8), (5, 16)])
def test_resizing_is_bicubic_with_antialiasing(side: int, size: int, tmp_path: Path) -> None:
    pixels = noise(side, side)
    way = weights(side, size)
    rows = np.rint(np.clip(np.einsum("aw,hwc->hac", way, pixels), 0, 255))
    expected = np.clip(np.einsum("bh,hac->cba", way, rows), 0, 255)
    found = only(tmp_path, pixels, size=size)
    assert np.abs(found - expected).max() <= 1.01  # both passes round, and one may do so the other way at a half


def test_colour_to_grey_and_grey_to_colour(tmp_path: Path) -> None:
    colour = noise(8, 8)
    grey = only(tmp_path / "a", colour, channels=1)
    luma = colour @ np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
    assert grey.shape == (1, 8, 8)
    assert np.abs(grey[0] - luma).max() <= 0.51
    single = noise(8, 8, 1)
    np.testing.assert_array_equal(only(tmp_path / "b", single), np.repeat(single.transpose(2, 0, 1), 3, 0))


def write_pgm(file: Path, fine: Array) -> None:
    """A binary PGM of 16 bits, big-endian."""
    file.parent.mkdir(parents=True, exist_ok=True)
    height, width = fine.shape
    file.write_bytes(b"P5 %d %d %d\n" % (width, height, fine.max()) + fine.astype(">u2").tobytes())


def test_16_bits_are_scaled_to_8(tmp_path: Path) -> None:
    fine = np.random.default_rng(0).integers(65536, size=(8, 8), dtype=np.uint16)
    fine[0, 0] = 65535
    assert np.abs(only(tmp_path / "png", Image.fromarray(fine), channels=1)[0] - fine / 257).max() <= 0.5
    big = Image.fromarray(fine.astype(">u2"))
    assert np.abs(only(tmp_path / "tif", big, "a.tif", channels=1)[0] - fine / 257).max() <= 0.5
    for top in (65535, 4095):
        grey = np.minimum(fine, top)  # the largest value is the one that the file declares to be white
        for twin in ("a", "b"):
            write_pgm(tmp_path / str(top) / "images" / twin, grey)
        found = folder_of(channels=1).load(tmp_path / str(top)).train[0, 0]
        assert np.abs(found - grey * (255 / top)).max() <= 0.6


def test_other_kinds_of_pixels(tmp_path: Path) -> None:
    bits = np.random.default_rng(0).integers(2, size=(8, 8)).astype(bool)
    np.testing.assert_array_equal(only(tmp_path / "1", Image.fromarray(bits), channels=1)[0], 255 * bits)
    few = Image.fromarray(noise(8, 8)).quantize(16)
    np.testing.assert_array_equal(only(tmp_path / "P", few), np.asarray(few.convert("RGB")).transpose(2, 0, 1))
    lab = Image.fromarray(noise(8, 8)).convert("LAB")
    expected = np.asarray(lab.convert("RGB").convert("L"))
    np.testing.assert_array_equal(only(tmp_path / "LAB", lab, "a.tif", channels=1)[0], expected)


def test_transparent_pixels_are_blended_with_white(tmp_path: Path) -> None:
    pixels = noise(8, 8, 4)
    pixels[:4, :, 3], pixels[4:, :, 3] = 0, 255
    found = only(tmp_path / "RGBA", pixels)
    assert (found[:, :4] == 255).all()
    np.testing.assert_array_equal(found[:, 4:], pixels[4:, :, :3].transpose(2, 0, 1))
    half = np.zeros((8, 8, 4), np.uint8)
    half[..., 3] = 128
    assert np.abs(only(tmp_path / "half", half).astype(int) - 127).max() <= 1
    few = Image.fromarray(noise(8, 8)).quantize(2)
    first = np.asarray(few) == 0
    found = only(tmp_path / "P", few, how={"transparency": bytes([0, 255])})
    assert (found[:, first] == 255).all()
    np.testing.assert_array_equal(found[:, ~first], np.asarray(few.convert("RGB"))[~first].T)


def test_a_photograph_is_rotated_as_its_exif_says(tmp_path: Path) -> None:
    pixels, exif = noise(8, 12), Image.Exif()
    exif[0x0112] = 6  # rotate by 90 degrees clockwise
    found = only(tmp_path, pixels, how={"exif": exif})
    np.testing.assert_array_equal(found, np.rot90(pixels, -1)[2:10].transpose(2, 0, 1))


def test_broken_exif_does_not_spoil_sound_pixels(tmp_path: Path) -> None:
    pixels = noise(8, 8)
    found = only(tmp_path, pixels, how={"exif": b"\0\x08\0\x02\x01\x12\0\x03"})
    np.testing.assert_array_equal(found, pixels.transpose(2, 0, 1))


@pytest.mark.parametrize(
    ("chunk", "spoilt"), [(b"pHYsx", 0), (b"cHRMx", 0), (b"acTLx", 0), (b"eXIfx", 0), (b"tEXta\0b", 1)]
)
def test_broken_metadata_of_a_png_do_not_spoil_sound_pixels(chunk: bytes, spoilt: int, tmp_path: Path) -> None:
    """Too short to hold what they should, or with a wrong checksum."""
    pixels, file = noise(8, 8), io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    header, rest = file.getvalue()[:33], file.getvalue()[33:]
    checksum = struct.pack(">I", zlib.crc32(chunk) ^ spoilt)
    (tmp_path / "images").mkdir()
    for name in "ab":
        content = header + struct.pack(">I", len(chunk) - 4) + chunk + checksum + rest
        (tmp_path / "images" / name).write_bytes(content)
    np.testing.assert_array_equal(folder_of().load(tmp_path).train[0], pixels.transpose(2, 0, 1))


@pytest.mark.parametrize(
    ("name", "loss"),
    [("a.jpg", 3), ("a.webp", 3), ("a.bmp", 0), ("a.ppm", 0), ("a.tiff", 0), ("a.gif", 0)],
)
def test_files_of_other_formats(name: str, loss: int, tmp_path: Path) -> None:
    pixels = np.zeros((16, 16, 3), np.uint8)
    pixels[:, 8:] = (200, 100, 50)
    found = only(tmp_path, pixels, name, size=16).astype(int)
    assert found.shape == (3, 16, 16)
    assert np.abs(found - pixels.transpose(2, 0, 1)).mean() <= loss


def test_the_name_does_not_matter(tmp_path: Path) -> None:
    """Neither an ending nor what Unix allows in a name."""
    for number, name in enumerate([b"a", b"b.txt", b"c\n.png", b"\xff.png"]):
        put(tmp_path / "images" / "x.png", noise(8, 8, seed=number))
        os.rename(tmp_path / "images" / "x.png", os.fsencode(tmp_path / "images") + b"/" + name)
    images, _ = together(folder_of().load(tmp_path))
    assert len(images) == 4


# --- classes and the split -----------------------------------------------------------------------------------------


def expected_of(folder: Path) -> list[tuple[bytes, int]]:
    """Pixels and label of each file, where the folders are the classes, Ape before cat and dog."""
    files = [(file, ["Ape", "cat", "dog"].index(file.relative_to(folder).parts[0])) for file in folder.rglob("*.png")]
    seen = [(file, label) for file, label in files if ".hidden" not in file.parts]
    return sorted((np.asarray(Image.open(file)).transpose(2, 0, 1).tobytes(), label) for file, label in seen)


def found_in(images: Array, labels: np.ndarray[Any, Any]) -> list[tuple[bytes, int]]:
    return sorted((image.tobytes(), label) for image, label in zip(images, labels.tolist(), strict=True))


def test_folders_are_classes_by_name_with_all_that_lies_below_them(tmp_path: Path) -> None:
    fill(tmp_path / "images" / "dog", 30)
    fill(tmp_path / "images" / "cat", 10, first=30)
    fill(tmp_path / "images" / "Ape" / "old" / "grey", 6, first=40)
    fill(tmp_path / "images" / "Ape", 14, first=46)
    fill(tmp_path / "images" / "cat" / ".hidden", 1, first=60)
    (tmp_path / "images" / ".DS_Store").write_bytes(b"x")
    given = folder_of(test=12)
    data = given.load(tmp_path)
    assert data.classes == given.classes(tmp_path) == 3
    assert found_in(*together(data)) == expected_of(tmp_path / "images")
    assert not set(found_in(data.train, data.train_labels)) & set(found_in(data.test, data.test_labels))
    assert np.bincount(data.test_labels).tolist() == [4, 2, 6]  # each by its share of all


def test_the_classes_have_the_names_of_the_folders(tmp_path: Path) -> None:
    """Whatever Unix allows in a name: it reaches a page and a file in UTF-8."""
    for number, name in enumerate([b"<b>", b"Zug", b"\xff\n"]):
        folder = tmp_path / "images" / str(number)
        fill(folder, 2, first=2 * number)
        os.rename(folder, os.fsencode(tmp_path / "images") + b"/" + name)
    data = folder_of(test=3).load(tmp_path)
    prepared.write(tmp_path / "prepared", "image_folder", data)
    assert prepared.read(tmp_path / "prepared")[0].class_names == ("<b>", "Zug", "\\udcff\\n")


def test_without_folders_there_is_one_class(tmp_path: Path) -> None:
    fill(tmp_path / "images", 10)
    data = folder_of(test=0.3).load(tmp_path)
    assert folder_of().classes(tmp_path) == 1
    assert data.class_names is None
    assert (data.classes, len(data.train), len(data.test)) == (1, 7, 3)
    assert not data.train_labels.any()
    assert not data.test_labels.any()
    assert len({image.tobytes() for image in together(data)[0]}) == 10


@pytest.mark.parametrize(("test", "held_out"), [(1, 1), (19, 19), (0.05, 1), (0.5, 10)])
def test_a_number_or_a_share_is_held_out(test: float, held_out: int, tmp_path: Path) -> None:
    fill(tmp_path / "images", 20)
    assert len(folder_of(test=test).load(tmp_path).test) == held_out


def test_the_bytes_depend_on_the_files_and_not_on_the_order_of_their_making(tmp_path: Path) -> None:
    for folder, order in (("one", range(20)), ("two", reversed(range(20)))):
        for number in order:
            fill(tmp_path / folder / "ba"[number % 2], 1, first=number)
    first, second = (folder_of(folder, test=5).load(tmp_path) for folder in ("one", "two"))
    assert first.digest() == second.digest()
    assert folder_of(str(tmp_path / "one"), test=5).load(Path("/nonexistent")).digest() == first.digest()
    put(tmp_path / "two" / "a" / "001.png", noise(8, 8, seed=99))
    assert folder_of("two", test=5).load(tmp_path).digest() != first.digest()


def test_a_link_to_a_file_inside_is_an_image_of_its_own(tmp_path: Path) -> None:
    fill(tmp_path / "images" / "a", 3)
    fill(tmp_path / "images" / "b", 3, first=3)
    (tmp_path / "images" / "b" / "link").symlink_to("../a/000.png")
    data = folder_of(test=2).load(tmp_path)
    assert np.bincount(together(data)[1]).tolist() == [3, 4]


def test_the_folder_itself_may_be_a_link_and_its_path_may_begin_with_a_tilde(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path / "elsewhere", 4)
    (tmp_path / "images").symlink_to(tmp_path / "elsewhere")
    monkeypatch.setenv("HOME", str(tmp_path))
    for path in ("images", "~/images"):
        assert len(folder_of(path).load(tmp_path).train) == 3
        assert folder_of(path).fingerprint(tmp_path) == folder_of("elsewhere").fingerprint(tmp_path)


def test_the_fingerprint_is_of_names_sizes_and_times(tmp_path: Path) -> None:
    for name in ("a", "b"):
        fill(tmp_path / "images" / name / "below", 3)
    given = folder_of()
    seen = {given.fingerprint(tmp_path)}

    def changed() -> bool:
        before = len(seen)
        seen.add(given.fingerprint(tmp_path))
        return len(seen) > before

    file = tmp_path / "images" / "a" / "below" / "000.png"
    (tmp_path / "images" / "a" / ".hidden").touch()
    assert not changed()
    about = file.stat()
    file.write_bytes(file.read_bytes()[:-1])
    os.utime(file, ns=(about.st_atime_ns, about.st_mtime_ns))
    assert changed()  # by its size
    os.utime(file, ns=(about.st_atime_ns, about.st_mtime_ns + 1))
    assert changed()
    file.rename(file.with_name("999.png"))
    assert changed()
    (tmp_path / "images" / "a").rename(tmp_path / "images" / "c")
    assert changed()
    fill(tmp_path / "images" / "b", 1, first=7)
    assert changed()


def test_the_fingerprint_of_a_missing_folder_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"^datasets\.image_folder\.path reads .*images \(No such file or directory\): "
    ):
        folder_of().fingerprint(tmp_path)
