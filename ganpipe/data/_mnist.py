"""Data sets in MNIST's file format (LeCun et al. 1998), read by torchvision; MNIST itself."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import numpy as np

from ganpipe.data._downloaded import DownloadedImages
from ganpipe.data._images import Split
from ganpipe.parts import Whole

# MD5 of MNIST's uncompressed files
FILES = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}


class IdxImages(DownloadedImages):
    """60,000 + 10,000 grey images. size: 28 pixels, or 32 with a black border of 2 pixels; nothing is resampled.

    torchvision_class: the class that reads <torchvision_class>/raw/<the four uncompressed files>.
    """

    torchvision_class: ClassVar[str]
    files: ClassVar[tuple[str, ...]] = tuple(FILES)
    description: ClassVar[str] = "four uncompressed files"

    size: Annotated[Literal[28, 32], Whole]

    @property
    def shape(self) -> tuple[int, ...]:
        return (1, self.size, self.size)

    def read_split(self, root: Path, train: bool) -> Split:
        from torchvision import datasets

        # downloads nothing where all files exist
        source = getattr(datasets, self.torchvision_class)(root, train=train, download=True)
        border = (self.size - 28) // 2
        images = np.pad(source.data.numpy(), ((0, 0), (border, border), (border, border)))
        return images[:, None], source.targets.numpy().astype(np.int64)


class MnistImages(IdxImages):
    """MNIST, the base of `mnist` and `stacked_mnist`."""

    torchvision_class: ClassVar[str] = "MNIST"
    folder: ClassVar[str] = "MNIST/raw"

    def corruption(self, file: Path) -> str | None:
        md5 = FILES[file.name]
        same = hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest() == md5
        return None if same else f"whose MD5 is not {md5}"
