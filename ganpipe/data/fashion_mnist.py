"""Fashion-MNIST (Xiao et al. 2017, arXiv 1708.07747): 60,000 + 10,000 grey images of clothes."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import ClassVar, Literal

from ganpipe.data._mnist import IdxImages

TRAIN, TEST = 60_000, 10_000  # images


class FashionMNIST(IdxImages):
    """size: 28 pixels, or 32 with a black border of 2 pixels; nothing is resampled.

    Files: FashionMNIST/raw/<the four uncompressed files> below GANPIPE_DATA_ROOT, downloaded where that is not set.
    """

    torchvision_class: ClassVar[str] = "FashionMNIST"
    folder: ClassVar[str] = "FashionMNIST/raw"

    kind: Literal["fashion_mnist"]

    def corruption(self, file: Path) -> str | None:
        # only MD5s of the compressed files are published: header, length and range of the labels are checked here
        content, labels = file.read_bytes(), "labels" in file.name
        count = TRAIN if file.name.startswith("train") else TEST
        header = struct.pack(">2i", 2049, count) if labels else struct.pack(">4i", 2051, count, 28, 28)
        size = len(header) + count * (1 if labels else 28 * 28)
        if len(content) != size:
            return f"which has {len(content):,} bytes and not {size:,}"
        if not content.startswith(header):
            return f"whose header is not that of {count:,} {'labels' if labels else 'images of 28x28 pixels'}"
        if labels and (largest := max(content[len(header) :])) > 9:
            return f"which has a label {largest}, and labels are 0 to 9"
        return None
