"""scikit-learn's handwritten digits: 1,797 images of 8x8 pixels, part of the package and so there without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from ganpipe.data import Dataset
from ganpipe.params import Seed
from ganpipe.prepared import Prepared


class Digits(Dataset):
    """test: images held out, stratified by class. split_seed: which ones."""

    kind: Literal["digits"]
    test: Annotated[int, Field(ge=100, le=1000)]
    split_seed: Seed

    @property
    def form(self) -> Literal["images", "points"]:
        return "images"

    @property
    def shape(self) -> tuple[int, ...]:
        return (1, 8, 8)

    def load(self, root: Path) -> Prepared:
        from sklearn.datasets import load_digits
        from sklearn.model_selection import train_test_split

        source = load_digits()
        images = np.rint(source.images * (255 / 16)).astype(np.uint8)[:, None]
        labels = source.target.astype(np.int64)
        train, test, train_labels, test_labels = train_test_split(
            images, labels, test_size=self.test, random_state=self.split_seed, stratify=labels
        )
        return Prepared(train, train_labels, test, test_labels, classes=10)
