"""A dozen samples above the training images nearest to them: has the generator copied?"""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganpipe.training.grids import draw_grid

NUM = 12
CHUNK = 5000
"""Training images whose distances are computed at a time."""


def nearest(samples: NDArray[np.uint8], train: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The training image with the least Euclidean distance in pixels to each sample: (N, C, H, W) of (N, C, H, W)."""
    queries = samples.reshape(len(samples), -1).astype(np.float32)
    best, found = np.full(len(samples), np.inf, np.float32), np.zeros(len(samples), np.int64)
    for start in range(0, len(train), CHUNK):
        block = train[start : start + CHUNK].reshape(-1, queries.shape[1]).astype(np.float32)
        squared = (block**2).sum(1) - 2 * queries @ block.T  # less |query|^2, which is the same for all
        at = squared.argmin(1)
        least = squared[np.arange(len(samples)), at]
        found = np.where(least < best, start + at, found)
        best = np.minimum(best, least)
    return train[found]


def nearest_picture(samples: NDArray[Any], train: NDArray[Any]) -> str | None:
    """The first NUM samples in a row, the training images nearest to them below: a PNG in base64; None for points."""
    if samples.ndim != 4:
        return None
    some = samples[:NUM]
    buffer = io.BytesIO()
    draw_grid(np.concatenate([some, nearest(some, train)]), some, columns=len(some)).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode("ascii")
