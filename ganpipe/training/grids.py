"""Pictures of samples: a grid of images, a scatter plot or a histogram of points."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganpipe.prepared import PreparedDataset
from ganpipe.utils.io import write_bytes

NUM_FIXED = {"images": 64, "points": 2000}
"""Samples of a picture: those of fixed latents, by which the health check also sees whether they still change."""


def draw_grid(samples: NDArray[Any], reference: NDArray[Any], columns: int | None = None) -> Image.Image:
    """Samples (N, ...) in data space as a picture.

    Images as a grid with so many columns (None: a square), enlarged without smoothing; points in 2-D as a scatter plot,
    in 1-D as a histogram, both over the reference in grey.
    """
    if samples.ndim == 4:
        return _image_grid(samples, columns or int(np.ceil(np.sqrt(len(samples)))))
    return _scatter(samples, reference) if samples.shape[1] > 1 else _histogram(samples, reference)


def draw_real(data: PreparedDataset) -> Image.Image:
    """Test samples as a picture like those of a training: 64 images in random order, or 2000 points."""
    order = np.random.default_rng(0).permutation(len(data.test))
    return draw_grid(data.test[order[: NUM_FIXED[data.form]]], data.train)


def save_grid(samples: NDArray[Any], reference: NDArray[Any], step: int, out: Path, columns: int | None = None) -> None:
    """Write the picture of the samples at this step into `out/grids`. Raises OSError."""
    save_png(draw_grid(samples, reference, columns), out / "grids" / f"{step:06d}.png")


def save_png(image: Image.Image, path: Path) -> None:
    """Write the PNG whole or not at all. Raises OSError."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    write_bytes(path, buffer.getvalue())


def _image_grid(samples: NDArray[np.uint8], columns: int) -> Image.Image:
    n, channels, height, width = samples.shape
    rows = -(-n // columns)
    canvas = np.full((rows * (height + 1) + 1, columns * (width + 1) + 1, channels), 128, np.uint8)
    for i, one in enumerate(samples):
        y, x = divmod(i, columns)
        canvas[y * (height + 1) + 1 :, x * (width + 1) + 1 :][:height, :width] = one.transpose(1, 2, 0)
    image = Image.fromarray(canvas[..., 0] if channels == 1 else canvas[..., :3])
    factor = max(1, 300 // canvas.shape[1])
    return image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)


def _histogram(samples: NDArray[np.float32], reference: NDArray[np.float32], size: int = 320) -> Image.Image:
    low, high = float(reference.min()), float(reference.max())
    edges = np.linspace(low - 0.15 * (high - low), high + 0.15 * (high - low), 81)
    canvas = np.full((size, size, 3), 255, np.uint8)
    real, fake = (np.histogram(x[np.isfinite(x)], edges)[0] / len(x) for x in (reference, samples))
    wide, tall = size // 80, size / (1.1 * max(real.max(), 1e-9))
    for i in range(80):
        column = slice(i * wide, (i + 1) * wide)
        canvas[size - int(real[i] * tall) :, column] = (190, 190, 190)
        top = max(size - int(fake[i] * tall), 0)
        canvas[max(top - 3, 0) : top + 1, column] = (200, 30, 60)
    return Image.fromarray(canvas)


def _scatter(samples: NDArray[np.float32], reference: NDArray[np.float32], size: int = 320) -> Image.Image:
    low, high = reference.min(0), reference.max(0)
    margin = 0.15 * max(float((high - low).max()), 1e-3)  # a single point has no extent
    canvas = np.full((size, size, 3), 255, np.uint8)
    for points, colour in ((reference[: len(samples)], (190, 190, 190)), (samples, (200, 30, 60))):
        at = (points - low + margin) / (high - low + 2 * margin) * size
        inside = np.isfinite(at).all(1) & (at >= 0).all(1) & (at < size - 1).all(1)
        x, y = at[inside].astype(int).T
        for dx, dy in ((0, 0), (1, 0), (0, 1), (1, 1)):
            canvas[size - 1 - (y + dy), x + dx] = colour
    return Image.fromarray(canvas)
