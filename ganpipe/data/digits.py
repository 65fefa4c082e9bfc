"""scikit-learn's handwritten digits: 1,797 images of 8x8 pixels, part of the package and so there without a network."""

from __future__ import annotations

from typing import Literal

from ganpipe.data._digits import DigitImages


class Digits(DigitImages):
    """test: images held out, stratified by class. split_seed: which ones."""

    kind: Literal["digits"]
