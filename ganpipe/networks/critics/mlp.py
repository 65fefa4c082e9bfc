"""A multilayer perceptron, for points and for flattened images."""

from __future__ import annotations

from math import prod
from typing import ClassVar, Literal

import torch
from torch import nn

from ganpipe.networks import Shape
from ganpipe.networks._blocks import ScalarHead, init_weights, mlp
from ganpipe.networks.critics._scoring import NormalisedCritic, ScoringCritic
from ganpipe.parts import Count, Depth, NonNegative, Positive


class MLPCritic(NormalisedCritic, ScoringCritic):
    """depth hidden leaky-ReLU layers of the same width.

    first_layer_scale: factor on the first layer's initial weights; the last layer's are divided by it, so that scores
    start as large as without it. bias_spread: the kinks of the first layer, the lines where a leaky ReLU bends, start
    at distances of up to this from 0, uniformly; with 0 all go through 0. Where samples are points a critic is as fine
    as its kinks are dense, and by He's initialisation none is where the data are.
    """

    kind: Literal["mlp"]
    width: Count
    depth: Depth
    first_layer_scale: Positive
    bias_spread: NonNegative
    has_linear_head: ClassVar[bool] = True

    def build(self, shape: Shape) -> nn.Module:
        body = mlp(prod(shape), self.width, self.depth, 1, self.norm, 0.2)
        net = ScalarHead(nn.Sequential(nn.Flatten(), body), self.output == "energy")
        init_weights(net, self.norm)
        first, last = body[0], body[-1]
        assert isinstance(first, nn.Linear)
        assert isinstance(last, nn.Linear)
        with torch.no_grad():
            first.weight *= self.first_layer_scale
            last.weight /= self.first_layer_scale
            if self.bias_spread:  # kinks at w x + b = 0, |b| / |w| from 0
                first.bias.uniform_(-self.bias_spread, self.bias_spread).mul_(first.weight.norm(dim=1))
        return net
