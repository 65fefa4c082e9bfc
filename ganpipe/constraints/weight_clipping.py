"""Weight clipping of WGAN: Arjovsky et al. 2017 (arXiv 1701.07875), algorithm 1, line 7."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import torch
from torch import nn
from torch.nn.utils import parametrize

from ganpipe.constraints import Constraint
from ganpipe.parts import Positive


class WeightClipping(Constraint):
    """Clips weights and biases of convolutions and linear layers to [-limit, limit], but not those of normalisation.

    limit: the paper's c.
    """

    kind: Literal["weight_clipping"]
    limit: Positive
    supports_unrolling: ClassVar[bool] = False

    def enforce(self, net: nn.Module) -> None:
        with torch.no_grad():
            for layer in net.modules():
                if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
                    for weight in layer.parameters(recurse=False):
                        weight.clamp_(-self.limit, self.limit)
                    if parametrize.is_parametrized(layer, "weight"):  # as by an equalized learning rate
                        weights: Any = layer.parametrizations
                        weights.weight.original.mul_(self.limit / layer.weight.abs().clamp(min=self.limit))
