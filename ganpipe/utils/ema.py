"""The exponential moving average (EMA) of a network's weights."""

from __future__ import annotations

from math import log

import torch
from torch import Tensor, nn

from ganpipe.schedules import Schedule


def ema_decay(decay: float | Schedule, updates: int, progress: float) -> float:
    """min(decay, (1 + t) / (10 + t)) after t updates: the average forgets the random start at once.

    As in TensorFlow's `ExponentialMovingAverage(decay, num_updates)`. With a constant decay of .999 the start would
    still have a share of 13.5 % after 2000 updates.

    A schedule between two decays is one of the half-life, log(1/2) / log(decay), and is not bounded further: R3GAN's
    rises from 0 (arXiv 2501.05441). progress: the share of the training's steps that is done.
    """
    if isinstance(decay, Schedule):
        way = decay.way(progress)
        half_life = (1 - way) * _half_life(decay.start) + way * _half_life(decay.end)
        return 0.5 ** (1 / half_life) if half_life else 0.0
    return min(decay, (1 + updates) / (10 + updates))


def _half_life(decay: float) -> float:
    """After how many updates half of a weight is left in the average."""
    return log(0.5) / log(decay) if decay else 0.0


@torch.no_grad()
def update_ema(ema: nn.Module, net: nn.Module, decay: float | Schedule, updates: int, progress: float) -> None:
    """ema <- d * ema + (1 - d) * net for every parameter, d = ema_decay(decay, updates, progress).

    updates: how many optimizer steps the network has had, this one included. Buffers, such as batch statistics, are
    copied.
    """
    averaged: list[Tensor] = list(ema.parameters())
    weights: list[Tensor] = list(net.parameters())
    torch._foreach_lerp_(averaged, weights, 1 - ema_decay(decay, updates, progress))
    for buffer, new in zip(ema.buffers(), net.buffers(), strict=True):
        buffer.copy_(new)
