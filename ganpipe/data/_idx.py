"""Grey images of 28x28 pixels in MNIST's format (LeCun et al. 1998), through torchvision."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal

import numpy as np

from ganpipe.data._downloaded import DownloadedImages
from ganpipe.data._images import Split
from ganpipe.params import Whole


class IdxImages(DownloadedImages):
    """60,000 + 10,000 images. size: 28, or 32 with a border of 2 black pixels, so nothing is ever resampled.

    source: the class of torchvision, which reads <source>/raw/<the four uncompressed files>.
    """

    source: ClassVar[str]
    files: ClassVar[tuple[str, ...]] = (
        "train-images-idx3-ubyte",
        "train-labels-idx1-ubyte",
        "t10k-images-idx3-ubyte",
        "t10k-labels-idx1-ubyte",
    )
    what: ClassVar[str] = "uncompressed file"
    all_of_them: ClassVar[str] = "four uncompressed files"

    size: Annotated[Literal[28, 32], Whole]

    @property
    def shape(self) -> tuple[int, ...]:
        return (1, self.size, self.size)

    def split(self, root: Path, train: bool) -> Split:
        from torchvision import datasets

        # fetches nothing where the files are there; the folder alone may be left from a download that failed
        source = getattr(datasets, self.source)(root, train=train, download=True)
        border = (self.size - 28) // 2
        images = np.pad(source.data.numpy(), ((0, 0), (border, border), (border, border)))
        return images[:, None], source.targets.numpy().astype(np.int64)
