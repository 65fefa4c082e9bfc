"""The moving average of a network's weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn


@torch.no_grad()
def update_average(average: nn.Module, net: nn.Module, decay: float) -> None:
    """Exponential moving average of the network's weights; buffers such as batch statistics are copied."""
    averaged: list[Tensor] = list(average.parameters())
    weights: list[Tensor] = list(net.parameters())
    torch._foreach_lerp_(averaged, weights, 1 - decay)
    for kept, new in zip(average.buffers(), net.buffers(), strict=True):
        kept.copy_(new)
