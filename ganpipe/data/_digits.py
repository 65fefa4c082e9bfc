"""scikit-learn's handwritten digits, the base of `digits` and `stacked_digits`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

from ganpipe.data._images import ImageDataset, SplitSeed, stratified_split
from ganpipe.prepared import PreparedDataset

TestSize = Annotated[int, Field(ge=100, le=1000)]
CLASSES = 10


class DigitImages(ImageDataset):
    """1,797 grey images of 8x8 pixels. test: test images, stratified by class. split_seed: seed of the split."""

    test: TestSize
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

        digits = load_digits()
        images = np.rint(digits.images * (255 / 16)).astype(np.uint8)[:, None]
        train, test = stratified_split(images, digits.target.astype(np.int64), self.test, self.split_seed)
        return PreparedDataset(*train, *test, classes=CLASSES)
