"""The base of image data sets, and a stratified split into train and test."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ganpipe.data import Dataset

# scikit-learn takes seeds of 32 bits
SplitSeed = Annotated[int, Field(ge=0, lt=2**32)]
Split = tuple[NDArray[Any], NDArray[np.int64]]
"""Samples (N, ...) and their labels (N,)."""


class ImageDataset(Dataset):
    """Images, uint8 (N, C, H, W), with labels, int64 (N,)."""

    @property
    def form(self) -> Literal["images", "points"]:
        return "images"

    @abstractmethod
    def classes(self, root: Path) -> int:
        """The number of classes: a classifier is trained on two or more."""


def stratified_split(images: NDArray[Any], labels: NDArray[np.int64], test_size: int, seed: int) -> tuple[Split, Split]:
    """Train and test split, the second of `test_size` images, each class in both in proportion.

    Every class needs two images, and each side at least as many images as there are classes.
    """
    from sklearn.model_selection import train_test_split

    train, test, train_labels, test_labels = train_test_split(
        images, labels, test_size=test_size, random_state=seed, stratify=labels
    )
    return (train, train_labels), (test, test_labels)
