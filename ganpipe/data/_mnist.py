"""MNIST's files, for the data sets that are made of them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import ClassVar

from ganpipe.data._idx import IdxImages

# MD5 of the uncompressed files, of both splits
FILES = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}


class MnistImages(IdxImages):
    """MNIST: handwritten digits, 28 or 32 pixels."""

    source: ClassVar[str] = "MNIST"
    folder: ClassVar[str] = "MNIST/raw"

    def wrong(self, file: Path) -> str | None:
        md5 = FILES[file.name]
        if hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest() == md5:
            return None
        return f"whose MD5 is not {md5}"
