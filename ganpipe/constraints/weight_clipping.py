"""Arjovsky et al. 2017, WGAN (arXiv 1701.07875), algorithm 1, line 7: weight clipping."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import torch
from torch import nn
from torch.nn.utils import parametrize

from ganpipe.constraints import Constraint
from ganpipe.params import Positive


class WeightClipping(Constraint):
    """Weights and biases of convolutions and linear layers lie in [-limit, limit]; normalisation is left alone."""

    kind: Literal["weight_clipping"]
    limit: Positive
    unrolls: ClassVar[bool] = False

    def enforce(self, net: nn.Module) -> None:
        with torch.no_grad():
            for layer in net.modules():
                if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
                    for weight in layer.parameters(recurse=False):
                        weight.clamp_(-self.limit, self.limit)
                    if parametrize.is_parametrized(
                        layer, "weight"
                    ):  # the weight that is used is another one's multiple
                        weights: Any = layer.parametrizations
                        weights.weight.original.mul_(self.limit / layer.weight.abs().clamp(min=self.limit))
