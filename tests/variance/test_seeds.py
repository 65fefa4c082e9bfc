"""A seed of its own for each source of chance."""

from __future__ import annotations

import torch

from ganpipe.utils.rng import Seeds, make_rng, seeded_init


def drawn(seed: int, purpose: str) -> list[float]:
    return torch.rand(3, generator=make_rng(seed, purpose, "cpu")).tolist()


def started(seed: int) -> list[float]:
    with seeded_init(seed, "critic"):
        return torch.rand(3).tolist()


def test_each_source_has_its_purposes() -> None:
    changed = {
        source: {p for p in ("order", "latents", "penalties", "samples", "shown")
                 if drawn(Seeds(0, **{source: 7}), p) == drawn(7, p) != drawn(0, p)}
        for source in ("order", "noise", "samples", "initialisation")
    }  # fmt: skip
    assert changed == {
        "order": {"order"}, "noise": {"latents", "penalties"}, "samples": {"samples", "shown"}, "initialisation": set()
    }  # fmt: skip
    assert started(Seeds(0, initialisation=7)) == started(7)
    assert started(Seeds(0, order=7, noise=7, samples=7)) == started(0) == started(Seeds(0))
