"""The base of convolutional networks."""

from __future__ import annotations

from typing import ClassVar

from ganpipe.networks import Form, Network, Shape
from ganpipe.networks._blocks import image_incompatibility


class ImageNetwork(Network):
    """For square images of 8, 16, 28, 32 or 64 pixels. A mixin, before `GeneratorNetwork` or `CriticNetwork`."""

    forms: ClassVar[frozenset[Form]] = frozenset({"images"})

    def incompatibility(self, shape: Shape) -> str | None:
        return super().incompatibility(shape) or image_incompatibility(self.kind, shape)
