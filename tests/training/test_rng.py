"""Random generators by purpose and seed; none of them is torch's global one."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from torch import nn
from training_cases import CPU

from ganpipe.config.variant import Latent
from ganpipe.utils.rng import make_rng, sample_latents, seeded_init


def test_numbers_depend_on_seed_and_purpose_alone() -> None:
    purposes = ["order", "latents", "penalties", "samples", "shown", "generator", "critic", "recalibration", "pretrain"]
    seeds = [0, 1, 2, 10, 11, 2**63 - 1]
    torch.manual_seed(99)
    state = torch.get_rng_state()
    found = {(s, p): torch.rand(4, generator=make_rng(s, p, CPU)).tolist() for s, p in product(seeds, purposes)}
    assert len({value for row in found.values() for value in row}) == 4 * len(seeds) * len(purposes)
    assert torch.rand(4, generator=make_rng(10, "order", CPU)).tolist() == found[10, "order"]
    assert torch.equal(torch.get_rng_state(), state)


def test_numbers_stay_those_of_earlier_versions() -> None:
    """A change here changes every result at a fixed seed."""
    assert make_rng(3, "latents", CPU).initial_seed() == 943057743211405650


def test_initialisers_are_seeded_and_the_global_generator_is_restored() -> None:
    def layer(seed: int, purpose: str) -> torch.Tensor:
        with seeded_init(seed, purpose):
            return nn.Linear(3, 3).weight

    before = torch.get_rng_state()
    first = layer(1, "critic")
    with pytest.raises(TypeError), seeded_init(1, "critic"):
        torch.rand("x")  # type: ignore[call-overload]
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(6)
    assert torch.equal(first, layer(1, "critic"))
    assert not torch.equal(first, layer(1, "generator"))
    assert not torch.equal(first, layer(2, "critic"))


@pytest.mark.parametrize(("kind", "low", "variance"), [("normal", None, 1.0), ("uniform", -1.0, 1 / 3)])
def test_latents_have_mean_and_variance_of_their_distribution(kind: str, low: float | None, variance: float) -> None:
    z = sample_latents(Latent.model_validate({"kind": kind, "size": 4}), 20_000, make_rng(0, "latents", CPU))
    assert z.shape == (20_000, 4)
    assert abs(z.mean().item()) < 5 * (variance / z.numel()) ** 0.5
    assert z.var().item() == pytest.approx(variance, rel=0.03)
    assert (z.min() >= -1 and z.max() < 1) == (low is not None)
