"""What data sets of images share: their form, and how some of them are held out."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ganpipe.data import Dataset

# scikit-learn takes 32 bits
SplitSeed = Annotated[int, Field(ge=0, lt=2**32)]
Split = tuple[NDArray[Any], NDArray[np.int64]]
"""Samples (N, ...) and their labels (N,)."""


class Images(Dataset):
    """Images uint8, (N, C, H, W)."""

    @property
    def form(self) -> Literal["images", "points"]:
        return "images"

    @abstractmethod
    def classes(self, root: Path) -> int:
        """How many classes there are: without two there is nothing to train a classifier on."""


def held_out(images: NDArray[Any], labels: NDArray[np.int64], test: int, seed: int) -> tuple[Split, Split]:
    """Train and test split, with `test` images in the second and each class in both by its share of all.

    Every class has to have two images, and either side as many images as there are classes.
    """
    from sklearn.model_selection import train_test_split

    train, rest, train_labels, rest_labels = train_test_split(
        images, labels, test_size=test, random_state=seed, stratify=labels
    )
    return (train, train_labels), (rest, rest_labels)
