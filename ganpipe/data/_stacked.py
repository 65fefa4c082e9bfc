"""Three images as the three channels of one: a thousand modes, known by their digits.

Metz et al. 2017 (unrolled GANs, arXiv 1611.02163, section 3.3.1), Srivastava et al. 2017 (VEEGAN, arXiv 1705.07761),
Lin et al. 2018 (PacGAN, arXiv 1712.04086, section 4.2).
"""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path

import numpy as np

from ganpipe.data._images import Images, Split
from ganpipe.params import Samples, Seed
from ganpipe.prepared import PreparedDataset

CHANNELS = 3


class Stacked(Images):
    """Triples of single images, uint8 (N, 3, H, W), drawn independently and uniformly with replacement.

    train, test: triples of each split, of the single images of that split alone. seed: of the draw. The label of the
    digits a, b, c in the first, second and third channel is 100 a + 10 b + c.
    """

    train: Samples
    test: Samples
    seed: Seed

    @property
    @abstractmethod
    def singles(self) -> Images:
        """The data set of the single images, of one channel."""

    @property
    def shape(self) -> tuple[int, ...]:
        return (CHANNELS, *self.singles.shape[1:])

    def classes(self, root: Path) -> int:
        return int(self.singles.classes(root) ** CHANNELS)

    def missing_files(self, root: Path) -> str | None:
        return self.singles.missing_files(root)

    def test_size(self) -> int:
        return self.test

    def load(self, root: Path) -> PreparedDataset:
        singles = self.singles.load(root)
        base = singles.classes

        def draw(images: Split, count: int, split: int) -> Split:
            # a stream for each split, so that more of one leaves the other as it is
            chosen = np.random.default_rng([self.seed, split]).integers(len(images[0]), size=(count, CHANNELS))
            labels: np.ndarray = images[1][chosen] @ base ** np.arange(CHANNELS - 1, -1, -1)
            return images[0][chosen, 0], labels.astype(np.int64)

        train = draw((singles.train, singles.train_labels), self.train, 0)
        test = draw((singles.test, singles.test_labels), self.test, 1)
        return PreparedDataset(*train, *test, classes=base**CHANNELS, base=base)
