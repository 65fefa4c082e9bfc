"""MNIST through torchvision: 60,000 + 10,000 grey images, read from files that are there or downloaded."""

from __future__ import annotations

from typing import Literal

from ganpipe.data._mnist import MnistImages


class MNIST(MnistImages):
    """size 28, or 32 with a border of 2 black pixels: the digits themselves are never resampled.

    GANPIPE_DATA_ROOT names a folder with MNIST/raw/<the four uncompressed files>; without it they are downloaded.
    """

    kind: Literal["mnist"]
