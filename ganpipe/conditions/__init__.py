"""Conditions: what an image-to-image generator gets beside noise, computed from the target image. One file each."""

from __future__ import annotations

from abc import abstractmethod

from torch import Tensor

from ganpipe.parts import Part

Shape = tuple[int, ...]


class Condition(Part):
    """An image of less detail than the target image, in [-1, 1] as the target is."""

    def incompatibility(self, shape: Shape) -> str | None:
        """Why there is no such condition for images of shape (C, H, W); None where there is."""
        return None

    @abstractmethod
    def shape(self, shape: Shape) -> Shape:
        """The condition's shape for images of this shape, both (C, H, W)."""

    @abstractmethod
    def compute(self, images: Tensor) -> Tensor:
        """The conditions of images: (N, C, H, W) in [-1, 1] to (N, *shape((C, H, W))) in [-1, 1]."""

    def nearest(self, x: Tensor) -> Tensor:
        """The nearest valid condition to a generated one, of the same shape."""
        return x
