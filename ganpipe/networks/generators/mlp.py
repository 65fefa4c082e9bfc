"""A multilayer perceptron, for points and for flattened images."""

from __future__ import annotations

from math import prod
from typing import Literal

from torch import nn

from ganpipe.networks import GeneratorNetwork, Shape, form_of
from ganpipe.networks._blocks import Norm, init_weights, mlp
from ganpipe.parts import Count, Depth


class MLPGenerator(GeneratorNetwork):
    """depth hidden ReLU layers of the same width; tanh at the end for images only."""

    kind: Literal["mlp"]
    width: Count
    depth: Depth
    norm: Norm

    def build(self, latent: int, shape: Shape) -> nn.Module:
        net = mlp(latent, self.width, self.depth, prod(shape), self.norm, 0.0)
        init_weights(net, self.norm)
        return nn.Sequential(net, nn.Tanh(), nn.Unflatten(1, shape)) if form_of(shape) == "images" else net
