"""CIFAR-10 (Krizhevsky 2009, "Learning multiple layers of features from tiny images"): 50,000 + 10,000 colour images.

The binary version, and not the one that torchvision reads: that one is pickle, which runs whatever is in the file,
and this one is bytes that say nothing but the images.
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
from ganpipe.files import writing

URL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
# MD5 of the archive, as https://www.cs.toronto.edu/~kriz/cifar.html gives it; it gives none of the files in it
MD5 = "c32a1d4ab5d03f1284b67883e8d87530"
RECORDS = 10_000
# a byte for the label, then 1024 each of red, green and blue, row by row
RECORD = 1 + 3 * 32 * 32


class CIFAR10(DownloadedImages):
    """32x32 pixels in three colours, ten classes, with the published split.

    GANPIPE_DATA_ROOT names a folder with cifar-10-batches-bin/<the six files>.bin; without it they are downloaded.
    """

    folder: ClassVar[str] = "cifar-10-batches-bin"
    files: ClassVar[tuple[str, ...]] = (*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin")
    what: ClassVar[str] = "file of the binary version"
    all_of_them: ClassVar[str] = "six files of the binary version"

    kind: Literal["cifar10"]

    @property
    def shape(self) -> tuple[int, ...]:
        return (3, 32, 32)

    def wrong(self, file: Path) -> str | None:
        size = file.stat().st_size
        if size != RECORDS * RECORD:
            return f"which has {size:,} bytes and not {RECORDS * RECORD:,}"
        largest = int(_records(file)[:, 0].max())
        return f"which has a label {largest} and not only 0 to 9" if largest > 9 else None

    def split(self, root: Path, train: bool) -> Split:
        from torchvision.datasets.utils import download_url

        place = root / self.folder
        if not all((place / name).is_file() for name in self.files):
            download_url(URL, str(root), md5=MD5)
            unpack(root / URL.rpartition("/")[2], root)
        records = np.concatenate([_records(place / name) for name in (self.files[:-1] if train else self.files[-1:])])
        return records[:, 1:].reshape(-1, *self.shape), records[:, 0].astype(np.int64)


def unpack(archive: Path, folder: Path) -> None:
    """Write the six files out of it, and nothing else, wherever it may say that its members lie.

    Python 3.11.0 to 3.11.3 can't extract an archive safely by themselves. Raises ValueError for one that is broken or
    lacks a file.
    """
    try:
        with tarfile.open(archive) as opened:
            for name in CIFAR10.files:
                member = opened.extractfile(f"{CIFAR10.folder}/{name}")
                if member is None:
                    raise ValueError(f"{archive.name}: {name} is no file")
                with member, writing(folder / CIFAR10.folder / name) as file:
                    shutil.copyfileobj(member, file)
    except (tarfile.TarError, KeyError) as error:
        raise ValueError(f"{archive.name}: {error.args[0] if error.args else 'it is broken'}") from None


def _records(file: Path) -> NDArray[np.uint8]:
    """(N, RECORD), read where they are used."""
    return np.memmap(file, np.uint8, "r").reshape(-1, RECORD)
