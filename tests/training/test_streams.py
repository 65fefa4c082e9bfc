"""Random streams: one per purpose and seed, and none of them is torch's own."""

from __future__ import annotations

import itertools

import pytest
import torch
from ganpipe.training.streams import initialised_by, stream
from torch import nn
from training_games import CPU


def numbers(seed: int, purpose: str) -> tuple[float, ...]:
    return tuple(torch.rand(4, generator=stream(seed, purpose, CPU)).tolist())


def test_a_stream_is_its_seed_and_purpose_and_nothing_else() -> None:
    first = numbers(3, "order")
    torch.manual_seed(99)
    torch.rand(5)
    assert numbers(3, "order") == first


def test_no_two_streams_share_their_numbers() -> None:
    names = ["order", "latents", "penalties", "samples", "shown", "generator", "critic", "recalibration", "pretrain"]
    seeds = [0, 1, 2, 10, 11, 2**63 - 1]
    found = {numbers(seed, name) for seed, name in itertools.product(seeds, names)}
    assert len(found) == len(names) * len(seeds)
    values = [value for row in found for value in row]
    assert len(set(values)) == len(values)


def test_making_a_stream_does_not_touch_the_global_one() -> None:
    before = torch.get_rng_state()
    torch.rand(3, generator=stream(0, "order", CPU))
    assert torch.equal(torch.get_rng_state(), before)


def test_initialisation_is_the_purposes_and_the_global_state_comes_back() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    with initialised_by(1, "critic"):
        first = nn.Linear(3, 3).weight
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(6)
    with initialised_by(1, "critic"):
        again = nn.Linear(3, 3).weight
    with initialised_by(1, "generator"):
        other = nn.Linear(3, 3).weight
    with initialised_by(2, "critic"):
        another = nn.Linear(3, 3).weight
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert not torch.equal(first, another)


def test_the_global_state_comes_back_after_an_error() -> None:
    before = torch.get_rng_state()
    with pytest.raises(TypeError), initialised_by(1, "critic"):
        torch.rand("x")  # type: ignore[call-overload]
    assert torch.equal(torch.get_rng_state(), before)
