"""Every row of params.yaml at the smallest size: one step of each player, which leaves the other alone."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
import torch
from ganpipe.training.adversarial import Game
from ganpipe.training.batches import Batches, Space
from torch import Tensor, nn
from training_games import CPU, FEW, PARAMS, RUNTIME, SPACES, digits, parameters, points, same, small

from ganpipe.rows import merge, merged
from ganpipe.variant import Variant

SMALLEST = FEW | {"batch": 12}
# the latents of these are not free: one number for the choice of a component and one for each feature
OWN_LATENT = {"gmm", "critic_only"}


def tiny(row: str, space: str) -> tuple[Variant, tuple[int, ...]]:
    """The row on such data with narrow networks and small batches, and the shape of a sample."""
    form, data, shape = SPACES[space]
    whole = merged(PARAMS["train"], PARAMS["variants"][row], form, data)
    kind = whole["procedure"]["kind"]
    over: dict[str, Any] = dict(SMALLEST)
    if kind not in OWN_LATENT:
        over |= {"latent": {"size": 24}}
    if whole["first"]:
        over |= {"first": small(whole["first"]) | SMALLEST | {"latent": {"size": 6}}}
    if kind == "translation":
        over |= {"procedure": {"observed": 20}}
    if kind == "progressive":
        over |= {"procedure": {"phases": [phase | {"batch": 8} for phase in whole["procedure"]["phases"]]}}
    if kind == "gmm":
        over |= {"generator": {"components": 3}}
    whole = merge(merge(whole, {player: small(whole[player]) for player in ("generator", "critic")}), over)
    return Variant.model_validate(whole), shape


def batches(space: str) -> Batches:
    data = points() if SPACES[space][0] == "points" else digits()
    return Batches(data.train, 12, Space(data.form, data.scale), 0, "order", CPU)


def moved(net: nn.Module, before: dict[str, Tensor]) -> bool:
    now = parameters(net)
    assert all(weight.isfinite().all() for weight in now.values())
    return not same(now, before)


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("row", PARAMS["variants"])
def test_each_player_takes_a_step_and_leaves_the_other_alone(row: str, space: str) -> None:
    variant, shape = tiny(row, space)
    reason = variant.incompatibility(shape)
    if reason is not None:
        assert space != "digits", reason  # every row is for digits; some say for other images what is for 32 pixels
        return
    way = importlib.import_module(f"ganpipe.training.{variant.procedure.kind}")
    at, source = way.Game(variant, shape, RUNTIME, 0, None), batches(space)
    if isinstance(at, Game):
        _each_in_turn(at, source)
    else:
        _alone(at, source)
    at.settle(source)
    for net in at.generators().values():
        z = torch.randn((5, variant.latent.size), generator=torch.Generator().manual_seed(1))
        made = net.eval()(z).detach()
        assert made.shape == (5, *shape)
        assert made.isfinite().all()


def _each_in_turn(at: Game, source: Batches) -> None:
    """The steps of `step`, one by one, in as many rounds as it takes until both have moved."""
    nets = {"critic": at.critic, "generator": at.generator}
    before = {name: parameters(net) for name, net in nets.items()}
    start, average = parameters(at.generator), parameters(at.average)
    steps = at.procedure.critic_steps
    for turn in range(1, steps + 1):
        figures = at.step(source)
        assert all(value.isfinite() and value.shape == () and not value.requires_grad for value in figures.values())
        assert moved(at.critic, before["critic"])
        assert moved(at.generator, start) == moved(at.average, average) == (turn == steps)
        before["critic"] = parameters(at.critic)
    # and each alone
    before, average = {name: parameters(net) for name, net in nets.items()}, parameters(at.average)
    at._critic_step(next(source))
    assert moved(at.critic, before["critic"])
    assert not moved(at.generator, before["generator"])
    assert not moved(at.average, average)
    before = {name: parameters(net) for name, net in nets.items()}
    at._generator_step(next(source))
    assert moved(at.generator, before["generator"])
    assert not moved(at.critic, before["critic"])
    moving = {name for name, p in at.generator.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
    still = {name for name in before["generator"] if name not in moving}
    # a bias before batch norm has no effect, and what the critic does not see of a growing generator has none yet
    assert all("bias" in name or "to_image" in name or "blocks" in name for name in still), still


def _alone(at: Any, source: Batches) -> None:
    """A training without a game: its own networks move, and there is no other."""
    nets = at.generators() | at.networks()
    before = {name: parameters(net) for name, net in nets.items()}
    state = {name: {k: v.clone() for k, v in net.state_dict().items()} for name, net in nets.items()}
    figures = at.step(source)
    at.settle(source)
    assert all(value.isfinite() and value.shape == () and not value.requires_grad for value in figures.values())
    changed = {name for name, net in nets.items() if not same(dict(net.state_dict()), state[name])}
    assert changed == set(nets)
    assert all(moved(net, before[name]) for name, net in nets.items() if before[name])
