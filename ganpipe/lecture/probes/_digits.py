"""scikit-learn's digits in the networks' space, and what probes of images share."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from ganpipe.batches import DataTransform
from ganpipe.data.digits import Digits
from ganpipe.metrics._distances import kth_nearest

SHAPE = (1, 8, 8)


class Images(NamedTuple):
    """Images (N, 1, 8, 8) in [-1, 1] and their classes (N,)."""

    train: Tensor
    test: Tensor
    train_labels: Tensor
    test_labels: Tensor


def load() -> Images:
    """A fifth of them are the test split."""
    data = Digits(kind="digits", test=360, split_seed=0).load(Path())
    transform = DataTransform("images", 1.0)
    images = (transform.to_model(torch.from_numpy(x)) for x in (data.train, data.test))
    labels = (torch.from_numpy(y) for y in (data.train_labels, data.test_labels))
    return Images(*images, *labels)


def distance_to(data: Tensor, images: Tensor) -> Tensor:
    """The root mean squared difference of each image from the nearest of the data, (N,), float64."""
    squared = kth_nearest(images.flatten(1), 1, data.flatten(1))
    return (squared / data[0].numel()).sqrt()
