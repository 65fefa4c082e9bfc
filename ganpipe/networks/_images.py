"""The base of networks of convolutions."""

from __future__ import annotations

from typing import ClassVar

from ganpipe.networks import Form, Network, Shape
from ganpipe.networks._blocks import image_incompatibility


class ImageNetwork(Network):
    """For square images at the sizes of `image_incompatibility`; stands before the player's base class."""

    forms: ClassVar[frozenset[Form]] = frozenset({"images"})

    def incompatibility(self, shape: Shape) -> str | None:
        return super().incompatibility(shape) or image_incompatibility(self.kind, shape)
