"""Weights on disk: safetensors only."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import save_file
from torch import nn


def save_weights(net: nn.Module, path: Path) -> None:
    """Every parameter and buffer of the network, on the CPU."""
    save_file({name: value.detach().cpu().contiguous() for name, value in net.state_dict().items()}, path)
