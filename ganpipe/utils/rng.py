"""Random numbers: one generator per purpose, so that drawing samples for a picture never changes a training."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, Self

import torch
from torch import Tensor


class LatentDistribution(Protocol):
    """`size` independent numbers, N(0, 1) where `kind` is `normal`, else U[-1, 1)."""

    @property
    def kind(self) -> str: ...

    @property
    def size(self) -> int: ...


class Seeds(int):
    """The seed of a training, with another one for some sources of chance: `Seeds(0, order=3)`.

    initialisation: of weights. order: of the data. samples: drawn to look at and to evaluate. noise: all else, as the
    latents of the training.
    """

    def __new__(cls, seed: int, **by_source: int) -> Self:
        found = super().__new__(cls, seed)
        found._by_source = by_source
        return found

    def of(self, source: str) -> int:
        return self._by_source.get(source, int(self))

    _by_source: dict[str, int]


SOURCES = {
    "order": "order",
    **dict.fromkeys(("samples", "snapshot", "shown", "recalibration"), "samples"),
}
"""The source of chance that a purpose belongs to, where it is not `noise`."""


def make_rng(seed: int, purpose: str, device: torch.device | str, source: str | None = None) -> torch.Generator:
    """A torch.Generator on the device, seeded by SHA-256 of `<seed>/<purpose>`: no two purposes share numbers."""
    if isinstance(seed, Seeds):
        seed = seed.of(source or SOURCES.get(purpose, "noise"))
    digest = hashlib.sha256(f"{seed}/{purpose}".encode()).digest()
    return torch.Generator(device).manual_seed(int.from_bytes(digest[:8]) >> 1)


@contextmanager
def seeded_init(seed: int, purpose: str) -> Iterator[None]:
    """Inside, torch's global CPU generator is seeded for this purpose, for the initialisers of layers; after it, the
    generator has the state that it had before."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(make_rng(seed, purpose, "cpu", "initialisation").initial_seed())
        yield


def sample_latents(latent: LatentDistribution, n: int, rng: torch.Generator) -> Tensor:
    """z, (n, latent.size), on the device of the generator."""
    shape = (n, latent.size)
    if latent.kind == "normal":
        return torch.randn(shape, generator=rng, device=rng.device)
    return 2 * torch.rand(shape, generator=rng, device=rng.device) - 1
