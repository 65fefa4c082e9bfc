"""A multilayer perceptron of sample and time, for points and for flattened images."""

from __future__ import annotations

from itertools import pairwise
from math import prod
from typing import Literal

import torch
from torch import Tensor, nn

from ganpipe.networks import Shape, VelocityNetwork
from ganpipe.networks._blocks import init_weights
from ganpipe.networks._time import NUM_FEATURES, time_features
from ganpipe.parts import Count, Depth


class MLPVelocity(VelocityNetwork):
    """depth hidden SiLU layers of the same width, on the sample and cos and sin of k pi t, k = 1 to 8."""

    kind: Literal["mlp"]
    width: Count
    depth: Depth

    def build(self, shape: Shape) -> nn.Module:
        widths = [prod(shape) + NUM_FEATURES, *[self.width] * self.depth]
        layers = [layer for pair in pairwise(widths) for layer in (nn.Linear(*pair), nn.SiLU())]
        net = nn.Sequential(*layers, nn.Linear(self.width, prod(shape)))
        init_weights(net, "none")
        return _OfFlattened(net)


class _OfFlattened(nn.Module):
    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        velocity: Tensor = self.net(torch.cat([x.flatten(1), time_features(t)], 1))
        return velocity.reshape(x.shape)
