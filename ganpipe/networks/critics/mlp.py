"""A multilayer perceptron, for points and for flattened images."""

from __future__ import annotations

from math import prod
from typing import Literal

from torch import nn

from ganpipe.networks import CriticNetwork, Shape
from ganpipe.networks._blocks import Norm, Scalar, initialise, perceptron
from ganpipe.params import Count


class MLPCritic(CriticNetwork):
    """depth hidden leaky-ReLU layers of the same width."""

    kind: Literal["mlp"]
    width: Count
    depth: Count
    norm: Norm
    output: Literal["score", "energy"]

    @property
    def emits(self) -> Literal["score", "energy"]:
        return self.output

    @property
    def couples_samples(self) -> bool:
        return self.norm == "batch"

    def build(self, shape: Shape) -> nn.Module:
        body = perceptron(prod(shape), self.width, self.depth, 1, self.norm, 0.2)
        net = Scalar(nn.Sequential(nn.Flatten(), body), self.output == "energy")
        initialise(net, self.norm)
        return net
