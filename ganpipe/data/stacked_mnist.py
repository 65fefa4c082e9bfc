"""Three digits of MNIST as the three channels, with MNIST's own split: the usual test of who loses modes."""

from __future__ import annotations

from typing import Annotated, Literal

from ganpipe.data._images import Images
from ganpipe.data._mnist import MnistImages
from ganpipe.data._stacked import Stacked
from ganpipe.params import Whole


class StackedMNIST(Stacked):
    """train, test: triples of each split. seed: of their draw. Shape (3, size, size), label 100 a + 10 b + c.

    size: 28, or 32 with a border of 2 black pixels. The files are those of `mnist`.
    """

    kind: Literal["stacked_mnist"]
    size: Annotated[Literal[28, 32], Whole]

    @property
    def singles(self) -> Images:
        return MnistImages(kind=self.kind, size=self.size)
