"""MNIST through torchvision: 60,000 + 10,000 grey images, read from files that are there or downloaded."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ganpipe.data import Dataset
from ganpipe.errors import BadInput
from ganpipe.prepared import Prepared

# MD5 of the uncompressed files, of both splits
FILES = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}


class MNIST(Dataset):
    """size 28, or 32 with a border of 2 black pixels: the digits themselves are never resampled.

    GANPIPE_DATA_ROOT names a folder with MNIST/raw/<the four uncompressed files>; without it they are downloaded.
    """

    kind: Literal["mnist"]
    size: Literal[28, 32]

    @property
    def form(self) -> Literal["images", "points"]:
        return "images"

    @property
    def shape(self) -> tuple[int, ...]:
        return (1, self.size, self.size)

    def missing(self, root: Path) -> str | None:
        raw = root / "MNIST" / "raw"
        wrong = [name for name in FILES if not (raw / name).is_file()]
        if wrong and "GANPIPE_DATA_ROOT" in os.environ:
            return (
                f"datasets.mnist needs the uncompressed file {raw / wrong[0]}, which is not there: put it there, point "
                "GANPIPE_DATA_ROOT to the folder that holds MNIST/raw, or unset it to download the data."
            )
        for name, md5 in FILES.items():
            if not wrong and hashlib.md5((raw / name).read_bytes(), usedforsecurity=False).hexdigest() != md5:
                return (
                    f"datasets.mnist reads {raw / name}, whose MD5 is not {md5}: the file is corrupt, so replace it "
                    "with the original."
                )
        return None

    def load(self, root: Path) -> Prepared:
        if sentence := self.missing(root):
            raise BadInput(sentence)
        (train, train_labels), (test, test_labels) = self._split(root, True), self._split(root, False)
        return Prepared(train, train_labels, test, test_labels, classes=10)

    def _split(self, root: Path, train: bool) -> tuple[NDArray[Any], NDArray[np.int64]]:
        from torchvision import datasets

        try:
            # fetches nothing where the files are there; the folder alone may be left from a download that failed
            source = datasets.MNIST(root, train=train, download=True)
        except (OSError, RuntimeError, ValueError) as error:
            reason = str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__
            raise BadInput(
                f"datasets.mnist could not be read or downloaded to {root} ({reason}): put the four uncompressed "
                "files into MNIST/raw/ of a folder and point GANPIPE_DATA_ROOT to it."
            ) from None
        border = (self.size - 28) // 2
        images = np.pad(source.data.numpy(), ((0, 0), (border, border), (border, border)))
        return images[:, None], source.targets.numpy().astype(np.int64)
