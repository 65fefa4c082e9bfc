"""Three of scikit-learn's digits as the three channels: stacked MNIST at 8x8 pixels, without a download."""

from __future__ import annotations

from typing import Literal

from ganpipe.data._digits import DigitImages, HeldOut
from ganpipe.data._images import Images, SplitSeed
from ganpipe.data._stacked import Stacked


class StackedDigits(Stacked):
    """train, test: triples of each split. seed: of their draw. Shape (3, 8, 8), label 100 a + 10 b + c.

    held_out: single digits of the test triples, stratified by class. split_seed: which ones.
    """

    kind: Literal["stacked_digits"]
    held_out: HeldOut
    split_seed: SplitSeed

    @property
    def singles(self) -> Images:
        return DigitImages(kind=self.kind, test=self.held_out, split_seed=self.split_seed)
