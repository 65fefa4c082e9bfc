"""Stacked images: three grey images as the channels of one, with a thousand modes that are known by their digits.

Metz et al. 2017 (unrolled GANs, arXiv 1611.02163, section 3.3.1), Srivastava et al. 2017 (VEEGAN, arXiv 1705.07761),
Lin et al. 2018 (PacGAN, arXiv 1712.04086, section 4.2).
"""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path

import numpy as np

from ganpipe.data._images import ImageDataset, Split
from ganpipe.parts import Samples, Seed
from ganpipe.prepared import PreparedDataset

CHANNELS = 3


class StackedImages(ImageDataset):
    """Triples of images, uint8 (N, 3, H, W), drawn independently and uniformly with replacement within each split.

    train, test: triples in each split. seed: of the random generator. The label of the digits a, b, c in the first,
    second and third channel is 100 a + 10 b + c.
    """

    train: Samples
    test: Samples
    seed: Seed

    @property
    @abstractmethod
    def base_dataset(self) -> ImageDataset:
        """The data set of the grey images."""

    @property
    def shape(self) -> tuple[int, ...]:
        return (CHANNELS, *self.base_dataset.shape[1:])

    @property
    def has_colour(self) -> bool:
        return False

    def classes(self, root: Path) -> int:
        return int(self.base_dataset.classes(root) ** CHANNELS)

    def missing_files(self, root: Path) -> str | None:
        return self.base_dataset.missing_files(root)

    def test_size(self) -> int:
        return self.test

    def load(self, root: Path) -> PreparedDataset:
        grey = self.base_dataset.load(root)
        base = grey.classes

        def draw(split: Split, count: int, stream: int) -> Split:
            images, labels = split
            # a random stream for each split, so that the size of one does not change the other
            chosen = np.random.default_rng([self.seed, stream]).integers(len(images), size=(count, CHANNELS))
            stacked_labels: np.ndarray = labels[chosen] @ base ** np.arange(CHANNELS - 1, -1, -1)
            return images[chosen, 0], stacked_labels.astype(np.int64)

        train = draw((grey.train, grey.train_labels), self.train, 0)
        test = draw((grey.test, grey.test_labels), self.test, 1)
        return PreparedDataset(*train, *test, classes=base**CHANNELS, base=base)
