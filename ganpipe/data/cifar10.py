"""CIFAR-10 (Krizhevsky 2009, "Learning multiple layers of features from tiny images"): 50,000 + 10,000 colour images.

The binary version and not the pickles that torchvision reads: a pickle runs whatever is in it.
"""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from ganpipe.data._downloaded import DownloadedImages
from ganpipe.data._images import Split
from ganpipe.utils.io import atomic_write

URL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
# of the archive, from https://www.cs.toronto.edu/~kriz/cifar.html; there is none of the files in it
MD5 = "c32a1d4ab5d03f1284b67883e8d87530"
RECORDS = 10_000  # in each file
RECORD = 1 + 3 * 32 * 32  # bytes: a label, then 1024 each of red, green and blue, row by row


class CIFAR10(DownloadedImages):
    """32x32 pixels in three colours, ten classes, with the published split.

    Files: cifar-10-batches-bin/<the six files>.bin below GANPIPE_DATA_ROOT, downloaded where that is not set.
    """

    folder: ClassVar[str] = "cifar-10-batches-bin"
    files: ClassVar[tuple[str, ...]] = (*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin")
    description: ClassVar[str] = "six files of the binary version"

    kind: Literal["cifar10"]

    @property
    def shape(self) -> tuple[int, ...]:
        return (3, 32, 32)

    def corruption(self, file: Path) -> str | None:
        size = file.stat().st_size
        if size != RECORDS * RECORD:
            return f"which has {size:,} bytes and not {RECORDS * RECORD:,}"
        largest = int(_records(file)[:, 0].max())
        return f"which has a label {largest}, and labels are 0 to 9" if largest > 9 else None

    def read_split(self, root: Path, train: bool) -> Split:
        from torchvision.datasets.utils import download_url

        if self._absent(root):
            download_url(URL, str(root), md5=MD5)
            unpack(root / URL.rpartition("/")[2], root)
        *train_files, test_file = self._paths(root)
        records = np.concatenate([_records(file) for file in (train_files if train else [test_file])])
        return records[:, 1:].reshape(-1, *self.shape), records[:, 0].astype(np.int64)


def unpack(archive: Path, root: Path) -> None:
    """Write the six files of the archive below `root`, and nothing else that the archive may hold.

    Python 3.11.0 to 3.11.3 have no safe extraction of their own. Raises ValueError where the archive is broken or a
    file is missing.
    """
    try:
        with tarfile.open(archive) as opened:
            for name in CIFAR10.files:
                member = opened.extractfile(f"{CIFAR10.folder}/{name}")
                if member is None:
                    raise ValueError(f"{archive.name}: {name} is no file")
                with member, atomic_write(root / CIFAR10.folder / name) as file:
                    shutil.copyfileobj(member, file)
    except (tarfile.TarError, KeyError) as error:
        raise ValueError(f"{archive.name}: {error.args[0] if error.args else 'it is broken'}") from None


def _records(file: Path) -> NDArray[np.uint8]:
    """(N, RECORD), memory-mapped."""
    return np.memmap(file, np.uint8, "r").reshape(-1, RECORD)
