"""Conditions: what a translation starts from, computed from the image that it should make. One file each."""

from __future__ import annotations

from abc import abstractmethod

from torch import Tensor

from ganpipe.params import Part

Shape = tuple[int, ...]


class Condition(Part):
    """A picture of less detail than an image, in [-1, 1] like the image itself."""

    def unfit(self, shape: Shape) -> str | None:
        """Why images of this shape have no such condition; None where they have."""
        return None

    @abstractmethod
    def shape(self, shape: Shape) -> Shape:
        """The condition's shape for images of this shape, both (C, H, W)."""

    @abstractmethod
    def of(self, images: Tensor) -> Tensor:
        """(N, C, H, W) in [-1, 1] to (N, *shape(C, H, W)) in [-1, 1]."""

    def nearest(self, x: Tensor) -> Tensor:
        """What a generator made in place of a condition, as the nearest one that there can be."""
        return x
