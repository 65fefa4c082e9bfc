"""Stacked MNIST: three digits as three channels, with MNIST's own split; the usual benchmark of mode collapse."""

from __future__ import annotations

from typing import Annotated, Literal

from ganpipe.data._images import ImageDataset
from ganpipe.data._mnist import MnistImages
from ganpipe.data._stacked import StackedImages
from ganpipe.parts import Whole


class StackedMNIST(StackedImages):
    """Shape (3, size, size), label 100 a + 10 b + c. train, test: triples in each split. seed: of their draw.

    size: 28 pixels, or 32 with a black border of 2 pixels. The files are those of `mnist`.
    """

    kind: Literal["stacked_mnist"]
    size: Annotated[Literal[28, 32], Whole]

    @property
    def base_dataset(self) -> ImageDataset:
        return MnistImages(kind=self.kind, size=self.size)
