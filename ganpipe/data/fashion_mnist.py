"""Fashion-MNIST through torchvision (Xiao et al. 2017, arXiv 1708.07747): 60,000 + 10,000 grey images of clothes."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from ganpipe.data._idx import IdxImages


class FashionMNIST(IdxImages):
    """size 28, or 32 with a border of 2 black pixels: the images themselves are never resampled.

    GANPIPE_DATA_ROOT names a folder with FashionMNIST/raw/<the four uncompressed files>; without it they are
    downloaded.
    """

    source: ClassVar[str] = "FashionMNIST"
    folder: ClassVar[str] = "FashionMNIST/raw"

    kind: Literal["fashion_mnist"]

    def wrong(self, file: Path) -> str | None:
        # torchvision knows only the MD5s of the compressed files, and checks them where it downloads: of files that
        # were put there, the header, the length and the range of the labels are known, and the grey levels are not
        count = 60_000 if file.name.startswith("train") else 10_000
        labels = "labels" in file.name
        header = struct.pack(">2i", 2049, count) if labels else struct.pack(">4i", 2051, count, 28, 28)
        size = len(header) + count * (1 if labels else 28 * 28)
        if file.stat().st_size != size:
            return f"which has {file.stat().st_size:,} bytes and not {size:,}"
        with file.open("rb") as stream:
            if stream.read(len(header)) != header:
                return f"which does not begin as {count:,} {'labels' if labels else 'images of 28x28 pixels'} do"
            if labels and (largest := int(np.frombuffer(stream.read(), np.uint8).max())) > 9:
                return f"which has a label {largest} and not only 0 to 9"
        return None
