"""Radford et al. 2016, DCGAN (arXiv 1511.06434), at 8 to 64 pixels."""

from __future__ import annotations

from typing import Literal

from torch import nn

from ganpipe.networks import GeneratorNetwork, Shape
from ganpipe.networks._blocks import Norm, init_weights, upsampling
from ganpipe.networks._images import ImageNetwork
from ganpipe.parts import Count


class DCGANGenerator(ImageNetwork, GeneratorNetwork):
    """Transposed convolutions; width: channels at full resolution, doubled at each halving of the size."""

    kind: Literal["dcgan"]
    width: Count
    norm: Norm

    def build(self, latent: int, shape: Shape) -> nn.Module:
        net = upsampling(latent, self.width, shape, self.norm, [nn.Tanh()])
        init_weights(net, self.norm)
        return net
