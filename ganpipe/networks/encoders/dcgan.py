"""The convolutions of DCGAN's critic (Radford et al. 2016, arXiv 1511.06434), at 8 to 64 pixels."""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import nn

from ganpipe.networks import EncoderNetwork, Form, Shape
from ganpipe.networks._blocks import Norm, downsampling, initialise, unfit_image
from ganpipe.params import Count


class DCGANEncoder(EncoderNetwork):
    """Strided convolutions; width: channels at full resolution, doubled at each halving of the size."""

    kind: Literal["dcgan"]
    width: Count
    norm: Norm
    forms: ClassVar[frozenset[Form]] = frozenset({"images"})

    def unfit(self, shape: Shape) -> str | None:
        return super().unfit(shape) or unfit_image(self.kind, shape)

    def build(self, shape: Shape, code: int) -> nn.Module:
        net = downsampling(shape, self.width, self.norm, code)
        initialise(net, self.norm)
        return net
