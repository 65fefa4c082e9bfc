"""Random streams: one generator per purpose, so that looking at a training never changes it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch


def stream(seed: int, purpose: str, device: torch.device) -> torch.Generator:
    """A generator of its own for this purpose; two purposes never share numbers."""
    digest = hashlib.sha256(f"{seed}/{purpose}".encode()).digest()
    return torch.Generator(device).manual_seed(int.from_bytes(digest[:8]) >> 1)


@contextmanager
def initialised_by(seed: int, purpose: str) -> Iterator[None]:
    """torch's global state is this purpose's inside, and what it was before after it: for layers' own initialisers."""
    cpu = torch.device("cpu")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream(seed, purpose, cpu).initial_seed())
        yield
