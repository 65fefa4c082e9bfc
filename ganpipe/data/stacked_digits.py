"""Three of scikit-learn's digits as three channels: stacked MNIST at 8x8 pixels, without a download."""

from __future__ import annotations

from typing import Literal

from ganpipe.data._digits import DigitImages, TestSize
from ganpipe.data._images import ImageDataset, SplitSeed
from ganpipe.data._stacked import StackedImages


class StackedDigits(StackedImages):
    """Shape (3, 8, 8), label 100 a + 10 b + c. train, test: triples in each split. seed: of their draw.

    held_out: digits that the test triples are made of, stratified by class. split_seed: seed of that split.
    """

    kind: Literal["stacked_digits"]
    held_out: TestSize
    split_seed: SplitSeed

    @property
    def base_dataset(self) -> ImageDataset:
        return DigitImages(kind=self.kind, test=self.held_out, split_seed=self.split_seed)
