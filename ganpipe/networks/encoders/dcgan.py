"""The convolutions of DCGAN's critic (Radford et al. 2016, arXiv 1511.06434), at 8 to 64 pixels."""

from __future__ import annotations

from typing import Literal

from torch import nn

from ganpipe.networks import EncoderNetwork, Shape
from ganpipe.networks._blocks import Norm, downsampling, init_weights
from ganpipe.networks._images import ImageNetwork
from ganpipe.parts import Count


class DCGANEncoder(ImageNetwork, EncoderNetwork):
    """Strided convolutions; width: channels at full resolution, doubled at each halving of the size."""

    kind: Literal["dcgan"]
    width: Count
    norm: Norm

    def build(self, shape: Shape, code: int) -> nn.Module:
        net = downsampling(shape, self.width, self.norm, code)
        init_weights(net, self.norm)
        return net
