"""No augmentation: the critic sees samples as they are."""

from __future__ import annotations

from typing import Literal

from torch import Generator, Tensor

from ganpipe.augmentations import Augmentation, AugmentationState


class NoAugmentation(Augmentation):
    """T(x) = x, without a random number."""

    kind: Literal["none"]

    def incompatibility(self, shape: tuple[int, ...]) -> str | None:
        return None

    def __call__(self, x: Tensor, rng: Generator, state: AugmentationState) -> Tensor:
        return x
