"""A multilayer perceptron, for points and for flattened images."""

from __future__ import annotations

from math import prod
from typing import Literal

from torch import nn

from ganpipe.networks import Shape
from ganpipe.networks._blocks import ScalarHead, init_weights, mlp
from ganpipe.networks.critics._scoring import NormalisedCritic, ScoringCritic
from ganpipe.parts import Count, Depth


class MLPCritic(NormalisedCritic, ScoringCritic):
    """depth hidden leaky-ReLU layers of the same width."""

    kind: Literal["mlp"]
    width: Count
    depth: Depth

    def build(self, shape: Shape) -> nn.Module:
        body = mlp(prod(shape), self.width, self.depth, 1, self.norm, 0.2)
        net = ScalarHead(nn.Sequential(nn.Flatten(), body), self.output == "energy")
        init_weights(net, self.norm)
        return net
