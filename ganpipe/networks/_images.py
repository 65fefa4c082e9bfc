"""The base of networks of convolutions."""

from __future__ import annotations

from typing import ClassVar

from ganpipe.networks import Form, Network, Shape
from ganpipe.networks._blocks import unfit_image


class ImageNetwork(Network):
    """For square images at the sizes of `unfit_image`; stands before the player's base class."""

    forms: ClassVar[frozenset[Form]] = frozenset({"images"})

    def unfit(self, shape: Shape) -> str | None:
        return super().unfit(shape) or unfit_image(self.kind, shape)
