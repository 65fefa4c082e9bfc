"""Radford et al. 2016, DCGAN (arXiv 1511.06434), at 8 to 64 pixels."""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import nn

from ganpipe.networks import Shape
from ganpipe.networks._blocks import ScalarHead, downsampling, init_weights
from ganpipe.networks._images import ImageNetwork
from ganpipe.networks.critics._scoring import NormalisedCritic, ScoringCritic
from ganpipe.parts import Count


class DCGANCritic(ImageNetwork, NormalisedCritic, ScoringCritic):
    """Strided convolutions; width: channels at full resolution, doubled at each halving of the size."""

    kind: Literal["dcgan"]
    width: Count
    has_linear_head: ClassVar[bool] = True

    def build(self, shape: Shape) -> nn.Module:
        net = ScalarHead(downsampling(shape, self.width, self.norm, 1), self.output == "energy")
        init_weights(net, self.norm)
        return net
