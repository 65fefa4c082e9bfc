"""Samples that another program made, as the data has them: from a folder of images, a .npy or an .npz."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganpipe.data._image_files import UnreadableImage, read_square
from ganpipe.utils.errors import UserError

Array = NDArray[Any]
NAMES = ("samples", "arr_0")
"""Arrays of an .npz that holds several, the first of these that is there."""
SUFFIXES = (".npy", ".npz")


@dataclass(frozen=True)
class ExternalSamples:
    """samples: (N, *shape) in data space. finite: whether all that was read was. how: it was read, in words."""

    samples: Array
    finite: bool
    how: str


def read_samples(path: Path, shape: tuple[int, ...]) -> ExternalSamples:
    """The samples at `path` for data of this shape: (C, H, W) for images, (D,) for points.

    Arrays of images are (N, C, H, W), (N, H, W, C) or (N, H, W): uint8 from 0 to 255, or floating point in [0, 1],
    or in [-1, 1] where any value is below 0. Grey images become colour where the data is; images in colour whose
    channels are equal become grey. Nothing is resized, as each way of resizing changes the metrics. Raises UserError.
    """
    if path.is_dir():
        if len(shape) == 1:
            raise UserError(
                f"{path} is a folder, and the data are points: give a .npy or .npz of shape (N, {shape[0]})."
            )
        images = _read_folder(path, shape)
        return ExternalSamples(_match_channels(path, images, shape[0]), True, f"{len(images)} image files")
    if not path.is_file() or path.suffix.lower() not in SUFFIXES:
        problem = "is neither .npy nor .npz" if path.is_file() else "is not there"
        raise UserError(f"{path} {problem}: give a folder of images, or an array as .npy or .npz.")
    array = _read_array(path)
    if not array.ndim or not len(array):
        raise UserError(f"{path} holds no sample: an array of samples (N, ...) is needed.")
    return _points(path, array, shape) if len(shape) == 1 else _images(path, array, shape)


def _read_folder(folder: Path, shape: tuple[int, ...]) -> Array:
    """All images below the folder by name, in colour: uint8 (N, 3, H, W). Names that begin with a dot are skipped."""
    _, height, width = shape
    files = sorted(
        file
        for file in folder.rglob("*")
        if not file.is_dir() and not any(part.startswith(".") for part in file.relative_to(folder).parts)
    )
    if not files:
        raise UserError(f"{folder} holds no file: give a folder of images of {width}x{height} pixels.")
    images = np.empty((len(files), 3, height, width), np.uint8)
    for index, file in enumerate(files):
        try:
            images[index] = read_square(file, height, 3, expected=(width, height))
        except UnreadableImage as error:
            raise UserError(
                f"{file} {error}: replace or remove it; nothing is resized here, as each way of resizing changes the "
                "metrics."
            ) from None
    return images


def _read_array(path: Path) -> Array:
    """The array in the file, which no pickle may be. Raises UserError."""
    try:
        with path.open("rb") as stream:
            loaded = np.load(stream, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                return loaded
            names = loaded.files
            name = next((name for name in (*NAMES, *names[: len(names) == 1]) if name in names), None)
            if name is None:
                raise UserError(
                    f"{path} holds {len(names)} arrays ({', '.join(names)[:60]}): name that of the samples {NAMES[0]}."
                )
            array = loaded[name]
    except (UserError, MemoryError):
        raise
    except Exception as error:  # numpy raises nearly any type for a broken file
        reason = str(error).split(". ")[0].rstrip(".") or type(error).__name__
        raise UserError(
            f"{path} can't be read as an array ({reason}): write it by numpy.save or numpy.savez."
        ) from None
    if not isinstance(array, np.ndarray):  # any ZIP file is taken for an .npz
        raise UserError(f"{path} holds no array: write it by numpy.savez.")
    return array


def _points(path: Path, array: Array, shape: tuple[int, ...]) -> ExternalSamples:
    if array.shape[1:] != shape or array.dtype.kind not in "fiu":
        raise UserError(
            f"{path} holds {array.dtype} of shape {array.shape}, and the data are points: give numbers of shape "
            f"(N, {shape[0]})."
        )
    with np.errstate(over="ignore"):
        points = array.astype(np.float32)
    return ExternalSamples(points, bool(np.isfinite(points).all()), f"{len(points)} points, {array.dtype}")


def _images(path: Path, array: Array, shape: tuple[int, ...]) -> ExternalSamples:
    channels, height, width = shape
    given = array[:, None] if array.ndim == 3 else array
    if given.ndim == 4 and given.shape[1:3] == (height, width) and given.shape[3] in (1, 3):
        given = given.transpose(0, 3, 1, 2)
    if given.ndim != 4 or given.shape[2:] != (height, width) or given.shape[1] not in (1, 3):
        raise UserError(
            f"{path} holds an array of shape {array.shape}, and the data are images of {width}x{height} pixels in "
            f"{channels} channel{'s' * (channels > 1)}: give (N, {channels}, {height}, {width}) or (N, {height}, "
            f"{width}, {channels}); nothing is resized here, as each way of resizing changes the metrics."
        )
    pixels, values = _eight_bits(path, given)
    finite = given.dtype == np.uint8 or bool(np.isfinite(given).all())
    return ExternalSamples(_match_channels(path, pixels, channels), finite, f"{len(array)} images, {values}")


def _eight_bits(path: Path, images: Array) -> tuple[NDArray[np.uint8], str]:
    """The images as uint8, and what their values were taken for; those that are not finite become black."""
    if images.dtype == np.uint8:
        if images.max() == 1:
            raise UserError(f"{path} holds uint8 of at most 1, which is black: white is 255, so multiply it by 255.")
        return images, "uint8"
    remedy = "give uint8 from 0 to 255, or floating point in [0, 1] or [-1, 1]"
    if images.dtype.kind != "f":
        raise UserError(f"{path} holds {images.dtype}: {remedy}.")
    finite = np.isfinite(images)
    low, high = images.min(where=finite, initial=np.inf), images.max(where=finite, initial=-np.inf)
    if low < -1 or high > 1:
        raise UserError(f"{path} holds {images.dtype} from {low:.6g} to {high:.6g}: {remedy}, clipped to that range.")
    values = np.where(finite, images, -1 if low < 0 else 0).astype(np.float32)
    if low < 0:
        return np.rint((values + 1) * 127.5).astype(np.uint8), f"{images.dtype} in [-1, 1]"
    return np.rint(values * 255).astype(np.uint8), f"{images.dtype} in [0, 1]"


def _match_channels(path: Path, images: Array, channels: int) -> Array:
    """Images (N, 1 or 3, H, W) with as many channels as the data, where that loses nothing."""
    if images.shape[1] == channels:
        return images
    if channels == 3:
        return np.repeat(images, 3, axis=1)
    if (images != images[:, :1]).any():
        raise UserError(f"{path} holds images in colour, and the data are grey: give grey ones.")
    return np.ascontiguousarray(images[:, :1])
