"""MNIST (LeCun et al. 1998): 60,000 + 10,000 grey images of handwritten digits."""

from __future__ import annotations

from typing import Literal

from ganpipe.data._mnist import MnistImages


class MNIST(MnistImages):
    """size: 28 pixels, or 32 with a black border of 2 pixels; nothing is resampled.

    Files: MNIST/raw/<the four uncompressed files> below GANPIPE_DATA_ROOT, downloaded where that is not set.
    """

    kind: Literal["mnist"]
