"""The exponential moving average (EMA) of a network's weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn


@torch.no_grad()
def update_ema(ema: nn.Module, net: nn.Module, decay: float) -> None:
    """ema <- decay * ema + (1 - decay) * net for every parameter; buffers, such as batch statistics, are copied."""
    averaged: list[Tensor] = list(ema.parameters())
    weights: list[Tensor] = list(net.parameters())
    torch._foreach_lerp_(averaged, weights, 1 - decay)
    for buffer, new in zip(ema.buffers(), net.buffers(), strict=True):
        buffer.copy_(new)
