"""Labels beside the sample: Mirza and Osindero 2014, conditional GAN (arXiv 1411.1784), section 3.2."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from ganpipe.critic import CriticOutput
from ganpipe.networks import CriticNetwork, Shape
from ganpipe.networks.conditioning import CriticConditioning


class _Concatenation(nn.Module):
    def __init__(self, critic: nn.Module) -> None:
        super().__init__()
        self.critic = critic

    def forward(self, x: Tensor, labels: Tensor) -> CriticOutput:
        planes = labels[(..., *(None,) * (x.ndim - 2))].expand(-1, -1, *x.shape[2:])
        output: CriticOutput = self.critic(torch.cat([x, planes], 1))
        return output


class Concatenation(CriticConditioning):
    """The critic sees the one-hot label as further channels of the sample, each 0 or 1 everywhere."""

    kind: Literal["concatenation"]

    def build(self, critic: CriticNetwork, shape: Shape, classes: int) -> nn.Module:
        return _Concatenation(critic.build((shape[0] + classes, *shape[1:])))
