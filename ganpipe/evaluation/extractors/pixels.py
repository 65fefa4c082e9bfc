"""The pixels themselves, in [0, 1]: no network, so nothing but the data is in the metric, and any shift counts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ganpipe.evaluation.extractors import Extract, ExtractorContext

RESIZER = "none"


def open_extractor(context: ExtractorContext) -> Extract:
    return pixels


def pixels(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(N, C, H, W) to (N, C H W)."""
    return images.reshape(len(images), -1).astype(np.float32) / np.float32(255)
