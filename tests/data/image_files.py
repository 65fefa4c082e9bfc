"""A folder of image files that a test makes, and the data set of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ganpipe.data.image_folder import ImageFolder

Array = np.ndarray[Any, np.dtype[np.uint8]]


def folder_of(path: str = "images", **changes: Any) -> ImageFolder:
    """The data set, with one image held out where nothing else is said."""
    settings: dict[str, Any] = {"size": 8, "channels": 3, "test": 1, "split_seed": 0, "broken": "refuse"}
    return ImageFolder.model_validate({"kind": "image_folder", "path": path, **settings, **changes})


def noise(height: int, width: int, channels: int = 3, seed: int = 0) -> Array:
    """Random pixels, (H, W, C)."""
    return np.random.default_rng(seed).integers(256, size=(height, width, channels), dtype=np.uint8)


def put(file: Path, pixels: Array | Image.Image, **how: Any) -> None:
    """Write an image, in a folder that is made where it lacks."""
    file.parent.mkdir(parents=True, exist_ok=True)
    image = (
        pixels
        if isinstance(pixels, Image.Image)
        else Image.fromarray(pixels.squeeze(2) if pixels.shape[2:] == (1,) else pixels)
    )
    image.save(file, **how)


def fill(folder: Path, count: int, first: int = 0) -> None:
    """So many different images of 8x8 pixels."""
    for number in range(first, first + count):
        put(folder / f"{number:03}.png", noise(8, 8, seed=number))
