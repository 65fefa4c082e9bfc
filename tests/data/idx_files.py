"""Files in MNIST's format that a test makes."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

NAMES = {True: "train", False: "t10k"}


def write_idx(raw: Path, train: bool, images: np.ndarray, labels: np.ndarray) -> None:
    """The two uncompressed files of one split: images uint8 (N, 28, 28), labels (N,)."""
    raw.mkdir(parents=True, exist_ok=True)
    name = NAMES[train]
    header = struct.pack(">4i", 2051, *images.shape)
    (raw / f"{name}-images-idx3-ubyte").write_bytes(header + images.astype(np.uint8).tobytes())
    header = struct.pack(">2i", 2049, len(labels))
    (raw / f"{name}-labels-idx1-ubyte").write_bytes(header + labels.astype(np.uint8).tobytes())
