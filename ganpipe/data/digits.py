"""scikit-learn's handwritten digits: 1,797 grey images of 8x8 pixels, part of the package, never downloaded."""

from __future__ import annotations

from typing import Literal

from ganpipe.data._digits import DigitImages


class Digits(DigitImages):
    """test: test images, stratified by class. split_seed: seed of the split."""

    kind: Literal["digits"]
