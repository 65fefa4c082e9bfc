"""The time as features, for networks whose output depends on it."""

from __future__ import annotations

from math import pi

import torch
from torch import Tensor

FREQUENCIES = 8
NUM_FEATURES = 2 * FREQUENCIES


def time_features(t: Tensor) -> Tensor:
    """cos and sin of k pi t, k = 1 to 8: times (N,) in [0, 1] to (N, 16)."""
    angles = pi * t[:, None] * torch.arange(1, FREQUENCIES + 1, device=t.device)
    return torch.cat([angles.cos(), angles.sin()], 1)
