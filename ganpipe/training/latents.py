"""The numbers that a generator starts from."""

from __future__ import annotations

import torch
from torch import Tensor

from ganpipe.variant import Latent


def draw(latent: Latent, n: int, rng: torch.Generator) -> Tensor:
    """Latents, (n, size)."""
    shape = (n, latent.size)
    if latent.kind == "normal":
        return torch.randn(shape, generator=rng, device=rng.device)
    return 2 * torch.rand(shape, generator=rng, device=rng.device) - 1
