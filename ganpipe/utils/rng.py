"""Random numbers: one generator per purpose, so that drawing samples for a picture never changes a training."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import torch
from torch import Tensor


class LatentDistribution(Protocol):
    """`size` independent numbers, N(0, 1) where `kind` is `normal`, else U[-1, 1)."""

    @property
    def kind(self) -> str: ...

    @property
    def size(self) -> int: ...


def make_rng(seed: int, purpose: str, device: torch.device | str) -> torch.Generator:
    """A torch.Generator on the device, seeded by SHA-256 of `<seed>/<purpose>`: no two purposes share numbers."""
    digest = hashlib.sha256(f"{seed}/{purpose}".encode()).digest()
    return torch.Generator(device).manual_seed(int.from_bytes(digest[:8]) >> 1)


@contextmanager
def seeded_init(seed: int, purpose: str) -> Iterator[None]:
    """Inside, torch's global CPU generator is seeded for this purpose, for the initialisers of layers; after it, the
    generator has the state that it had before."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(make_rng(seed, purpose, "cpu").initial_seed())
        yield


def sample_latents(latent: LatentDistribution, n: int, rng: torch.Generator) -> Tensor:
    """z, (n, latent.size), on the device of the generator."""
    shape = (n, latent.size)
    if latent.kind == "normal":
        return torch.randn(shape, generator=rng, device=rng.device)
    return 2 * torch.rand(shape, generator=rng, device=rng.device) - 1
