"""Radford et al. 2016, DCGAN (arXiv 1511.06434), at 8 to 64 pixels."""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import nn

from ganpipe.networks import Form, GeneratorNetwork, Shape
from ganpipe.networks._blocks import Norm, initialise, unfit_image, upsampling
from ganpipe.params import Count


class DCGANGenerator(GeneratorNetwork):
    """Transposed convolutions; width: channels at full resolution, doubled at each halving of the size."""

    kind: Literal["dcgan"]
    width: Count
    norm: Norm
    forms: ClassVar[frozenset[Form]] = frozenset({"images"})

    def unfit(self, shape: Shape) -> str | None:
        return super().unfit(shape) or unfit_image(self.kind, shape)

    def build(self, latent: int, shape: Shape) -> nn.Module:
        net = upsampling(latent, self.width, shape, self.norm, [nn.Tanh()])
        initialise(net, self.norm)
        return net
