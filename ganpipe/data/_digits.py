"""scikit-learn's handwritten digits, for the data sets that are made of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

from ganpipe.data._images import Images, SplitSeed, held_out
from ganpipe.prepared import PreparedDataset

HeldOut = Annotated[int, Field(ge=100, le=1000)]
CLASSES = 10


class DigitImages(Images):
    """1,797 grey images of 8x8 pixels. test: images held out, stratified by class. split_seed: which ones."""

    test: HeldOut
    split_seed: SplitSeed

    @property
    def shape(self) -> tuple[int, ...]:
        return (1, 8, 8)

    def classes(self, root: Path) -> int:
        return CLASSES

    def test_size(self) -> int:
        return self.test

    def load(self, root: Path) -> PreparedDataset:
        from sklearn.datasets import load_digits

        source = load_digits()
        images = np.rint(source.images * (255 / 16)).astype(np.uint8)[:, None]
        train, test = held_out(images, source.target.astype(np.int64), self.test, self.split_seed)
        return PreparedDataset(*train, *test, classes=CLASSES)
