"""Weights on disk: safetensors only."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import save
from torch import Tensor, nn

from ganpipe.utils.io import write_whole


def save_weights(net: nn.Module, path: Path) -> None:
    """Every parameter and buffer of the network, on the CPU."""
    save_tensors(net.state_dict(), path)


def save_tensors(tensors: dict[str, Tensor], path: Path) -> None:
    """Tensors by name, on the CPU. Raises OSError where the file cannot be written."""
    write_whole(path, save({name: value.detach().cpu().contiguous() for name, value in tensors.items()}))
