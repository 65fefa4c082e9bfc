"""The exponential moving average (EMA) of a network's weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def ema_decay(decay: float, updates: int) -> float:
    """min(decay, (1 + t) / (10 + t)) after t updates: the average forgets the random start at once.

    As in TensorFlow's `ExponentialMovingAverage(decay, num_updates)`. With a constant decay of .999 the start would
    still have a share of 13.5 % after 2000 updates.
    """
    return min(decay, (1 + updates) / (10 + updates))


@torch.no_grad()
def update_ema(ema: nn.Module, net: nn.Module, decay: float, updates: int) -> None:
    """ema <- d * ema + (1 - d) * net for every parameter, d = ema_decay(decay, updates).

    updates: how many optimizer steps the network has had, this one included. Buffers, such as batch statistics, are
    copied.
    """
    averaged: list[Tensor] = list(ema.parameters())
    weights: list[Tensor] = list(net.parameters())
    torch._foreach_lerp_(averaged, weights, 1 - ema_decay(decay, updates))
    for buffer, new in zip(ema.buffers(), net.buffers(), strict=True):
        buffer.copy_(new)
