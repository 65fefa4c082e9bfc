"""Samples of other programs: every way to write the same images is read as the same, and all else is refused."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganpipe.evaluation.external import read_samples
from ganpipe.utils.errors import UserError

GREY, COLOUR = (1, 4, 4), (3, 4, 4)
IMAGES = np.random.default_rng(0).integers(0, 256, (5, 3, 4, 4), dtype=np.uint8)


def written(folder: Path, array: np.ndarray, name: str = "samples.npy") -> Path:
    np.save(folder / name, array)
    return folder / name


@pytest.mark.parametrize(
    ("array", "values"),
    [
        (IMAGES, "uint8"),
        (IMAGES.transpose(0, 2, 3, 1), "uint8"),
        (IMAGES / 255, "float64 in [0, 1]"),
        ((IMAGES / 127.5 - 1).astype(np.float32), "float32 in [-1, 1]"),
        ((IMAGES / 127.5 - 1).astype(np.float16).transpose(0, 2, 3, 1), "float16 in [-1, 1]"),
    ],
)
def test_every_layout_and_range_is_the_same_images(tmp_path: Path, array: np.ndarray, values: str) -> None:
    found = read_samples(written(tmp_path, array), COLOUR)
    assert (found.samples.dtype, found.finite, found.how) == (np.uint8, True, f"5 images, {values}")
    np.testing.assert_array_equal(found.samples, IMAGES)


def test_a_folder_an_npz_and_grey_as_colour(tmp_path: Path) -> None:
    (tmp_path / "png" / "7").mkdir(parents=True)
    for index, image in enumerate(IMAGES):
        # also below folders, as many programs write one for each class; in the order of their names
        folder = tmp_path / "png" / ("7" if index < 3 else "")
        Image.fromarray(image.transpose(1, 2, 0)).save(folder / f"{index}.png")
    (tmp_path / "png" / ".DS_Store").write_bytes(b"not an image")
    found = read_samples(tmp_path / "png", COLOUR)
    assert found.how == "5 image files"
    assert sorted(image.tobytes() for image in found.samples) == sorted(image.tobytes() for image in IMAGES)

    labels = np.arange(5)
    np.savez(tmp_path / "of_two.npz", arr_0=IMAGES, arr_1=labels)
    np.savez(tmp_path / "of_one.npz", fakes=IMAGES)
    for name in ("of_two", "of_one"):
        np.testing.assert_array_equal(read_samples(tmp_path / f"{name}.npz", COLOUR).samples, IMAGES)

    grey = IMAGES[:, :1]
    in_colour = np.repeat(grey, 3, axis=1)
    for array in (grey, grey[:, 0], in_colour):  # torchvision.utils.save_image writes grey as colour
        path = written(tmp_path, array)
        np.testing.assert_array_equal(read_samples(path, GREY).samples, grey)
        np.testing.assert_array_equal(read_samples(path, COLOUR).samples, in_colour)


def test_nan_is_not_finite_and_points_keep_their_values(tmp_path: Path) -> None:
    broken = (IMAGES / 127.5 - 1).astype(np.float32)
    broken[3, 0, 0, 0] = np.nan
    assert not read_samples(written(tmp_path, broken), COLOUR).finite
    points = np.random.default_rng(1).normal(size=(6, 2)) * 40
    found = read_samples(written(tmp_path, points), (2,))
    assert (found.samples.dtype, found.finite, found.how) == (np.float32, True, "6 points, float64")
    np.testing.assert_array_equal(found.samples, points.astype(np.float32))
    assert not read_samples(written(tmp_path, np.where(points > 0, points, -np.inf)), (2,)).finite


@pytest.mark.parametrize(
    ("array", "shape", "words"),
    [
        (
            IMAGES,
            (3, 8, 8),
            "shape (5, 3, 4, 4), and the data are images of 8x8 pixels in 3 channels: give (N, 3, 8, 8)",
        ),
        (IMAGES[:, :2], COLOUR, "shape (5, 2, 4, 4)"),
        (IMAGES, GREY, "in colour, and the data are grey"),
        (IMAGES.astype(np.float32), COLOUR, "float32 from 0 to 255: give uint8 from 0 to 255, or floating point in"),
        (IMAGES / 120 - 1, COLOUR, "clipped to that range"),
        (IMAGES.astype(np.int64), COLOUR, "holds int64"),
        ((IMAGES > 127).astype(np.uint8), COLOUR, "multiply it by 255"),
        (IMAGES[:0], COLOUR, "no sample"),
        (np.array(3.0), COLOUR, "no sample"),
        (IMAGES, (2,), "the data are points: give numbers of shape (N, 2)"),
        (np.array([["a", "b"]]), (2,), "the data are points"),
    ],
)
def test_what_is_not_like_the_data_is_refused(
    tmp_path: Path, array: np.ndarray, shape: tuple[int, ...], words: str
) -> None:
    with pytest.raises(UserError) as refused:
        read_samples(written(tmp_path, array), shape)
    assert words in str(refused.value)
    assert str(refused.value).startswith(str(tmp_path / "samples.npy"))


def test_what_is_no_set_of_samples_is_refused(tmp_path: Path) -> None:
    pickled, text, two, other = (tmp_path / name for name in ("pickled.npy", "text.npy", "two.npz", "model.npz"))
    np.save(pickled, np.array([{}], dtype=object), allow_pickle=True)
    text.write_text("1,2,3")
    np.savez(two, real=IMAGES, fake=IMAGES)
    with zipfile.ZipFile(other, "w") as archive:  # as torch.save writes
        archive.writestr("data.pkl", b"")
    small = tmp_path / "small"
    small.mkdir()
    Image.new("L", (5, 4)).save(small / "one.png")
    (tmp_path / "empty").mkdir()
    for path, words in (
        (pickled, "can't be read as an array (Object arrays cannot be loaded when allow_pickle=False)"),
        (text, "can't be read as an array"),
        (two, "holds 2 arrays (real, fake): name that of the samples samples."),
        (other, "holds no array"),
        (tmp_path / "none.npy", "is not there: give a folder of images"),
        (tmp_path / "empty", "holds no file"),
        (small, "one.png has 5x4 pixels and not 4x4: replace or remove it; nothing is resized here"),
    ):
        with pytest.raises(UserError) as refused:
            read_samples(path, COLOUR)
        assert words in str(refused.value)
    (small / "log.txt").write_text("epoch 1")
    (small / "one.png").unlink()
    with pytest.raises(UserError, match=r"log\.txt is not an image of a known format"):
        read_samples(small, COLOUR)
    with pytest.raises(UserError, match="is a folder, and the data are points"):
        read_samples(small, (2,))
    (tmp_path / "model.pt").write_bytes(b"")
    with pytest.raises(UserError, match=r"model\.pt is neither \.npy nor \.npz: give a folder"):
        read_samples(tmp_path / "model.pt", COLOUR)
