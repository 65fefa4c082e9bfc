"""A multilayer perceptron, for points and for flattened images."""

from __future__ import annotations

from math import prod
from typing import Literal

from torch import nn

from ganpipe.networks import EncoderNetwork, Shape
from ganpipe.networks._blocks import Norm, init_weights, mlp
from ganpipe.parts import Count, Depth


class MLPEncoder(EncoderNetwork):
    """depth hidden leaky-ReLU layers of the same width."""

    kind: Literal["mlp"]
    width: Count
    depth: Depth
    norm: Norm

    def build(self, shape: Shape, code: int) -> nn.Module:
        body = mlp(prod(shape), self.width, self.depth, code, self.norm, 0.2)
        init_weights(body, self.norm)
        return nn.Sequential(nn.Flatten(), body)
