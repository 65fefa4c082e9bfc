"""Schedules: their closed forms, and that every step has the numbers of its place in the training."""

from __future__ import annotations

import copy
from math import cos, log, pi
from typing import Any

import pytest
import torch
from torch import optim
from training_cases import SPACES, build, parameters, real_batches, trainer, variant

from ganpipe.algorithms._steps import critic_batch, penalty_terms
from ganpipe.optimizers.adam import Adam
from ganpipe.penalties.r1 import R1
from ganpipe.schedules import at
from ganpipe.schedules.cosine import Cosine
from ganpipe.schedules.linear import Linear
from ganpipe.utils.ema import ema_decay
from ganpipe.utils.rng import make_rng


def schedule(kind: str, start: float, end: float, until: float = 1.0) -> dict[str, Any]:
    return {"kind": kind, "start": start, "end": end, "until": until}


def test_closed_forms_at_the_start_in_between_and_at_the_end() -> None:
    for until in (1.0, 0.5):
        line = Linear.model_validate(schedule("linear", 3.0, 1.0, until))
        wave = Cosine.model_validate(schedule("cosine", 3.0, 1.0, until))
        places = [until * p for p in (0.0, 0.25, 0.5, 1.0)]
        assert [line.at(p) for p in places] == [3.0, 2.5, 2.0, 1.0]
        assert [wave.at(p) for p in places] == pytest.approx([3.0, 2.0 + cos(pi / 4), 2.0, 1.0], abs=1e-12)
        for one in (line, wave):
            assert one.at((1 + until) / 2) == 1.0  # it stays there


def test_a_part_is_as_its_schedules_say_and_one_of_plain_numbers_is_itself() -> None:
    adam = Adam.model_validate({"kind": "adam", "lr": 0.1, "betas": [0.0, schedule("linear", 0.9, 0.99)]})
    assert at(adam, 0.5).betas == (0.0, pytest.approx(0.945))
    assert Adam.model_validate(adam.model_dump(mode="json")) == adam
    plain = R1(kind="r1", weight=2.0)
    assert at(plain, 0.5) is plain


def test_the_half_life_of_the_average_follows_the_schedule() -> None:
    """From no average at all to a half-life of 500 updates: 0 at the start, 250 in the middle."""
    rising = Linear.model_validate(schedule("linear", 0.0, 0.5 ** (1 / 500)))
    half_lives = [log(0.5) / log(ema_decay(rising, 1, p)) for p in (0.25, 0.5, 1.0)]
    assert half_lives == pytest.approx([125, 250, 500])
    assert ema_decay(rising, 1, 0.0) == 0.0


@pytest.mark.parametrize("row", ["lsgan", "wgan", "progressive", "translate", "vae", "autoencoder", "ebm"])
def test_every_step_has_the_rate_of_its_number(row: str) -> None:
    ends = {"generator_optimizer": 0.0, "critic_optimizer": 0.25}
    changes = {name: {"lr": schedule("linear", 0.5, end)} for name, end in ends.items()}
    chosen = variant(row, "digits", steps=4, **changes)
    trained = build(chosen, SPACES["digits"][2])
    own, batches = vars(getattr(trained, "gan", trained)), real_batches("digits")
    optimizers = {name: value for name, value in own.items() if isinstance(value, optim.Optimizer)}
    for step in range(1, 5):
        trained.train_step(batches)
        for name, optimizer in optimizers.items():
            end = ends["generator_optimizer" if name == "optimizer" else name]  # of encoder and decoder
            assert optimizer.param_groups[0]["lr"] == 0.5 - (step - 1) / 4 * (0.5 - end)
    assert optimizers


def test_a_step_has_the_betas_and_the_average_of_its_number() -> None:
    betas = [0.0, schedule("cosine", 0.5, 0.75)]
    trained = trainer("lsgan", "digits", steps=2, critic_optimizer={"betas": betas}, ema=schedule("linear", 0.0, 0.5))
    batches = real_batches("digits")
    for beta2, decay in ((0.5, 0.0), (0.625, 0.25)):  # half of a half-life of one step
        before = parameters(trained.ema)
        trained.train_step(batches)
        assert trained.critic_optimizer.param_groups[0]["betas"] == (0.0, pytest.approx(beta2))
        for name, weight in parameters(trained.generator).items():
            torch.testing.assert_close(trained.ema.get_parameter(name), weight.lerp(before[name], decay))


@pytest.mark.parametrize("row", ["rpgan", "ebm", "translate", "unrolled"])
def test_a_step_has_the_weight_of_a_penalty_of_its_number(row: str) -> None:
    """The same step with the number in the place of the schedule, from the same state."""
    scheduled, plain = ([{"kind": "r1", "weight": weight}] for weight in (schedule("linear", 4.0, 0.0), 1.0))
    one = trainer(row, "digits", steps=4, penalties=scheduled)
    batches = real_batches("digits")
    for _ in range(3):
        one.train_step(batches)
    other = trainer(row, "digits", steps=4, penalties=plain)
    other.load_state_dict(copy.deepcopy(one.state_dict()))
    metrics = [each.train_step(real_batches("digits", seed=1)) for each in (one, other)]  # the fourth: weight 1
    assert metrics[0].keys() == metrics[1].keys()
    assert metrics[0]["r1"] > 0
    assert all(torch.equal(value, metrics[1][name]) for name, value in metrics[0].items())


def test_the_weight_is_a_factor_of_the_penalty() -> None:
    weight = schedule("cosine", 4.0, 1.0)
    trained = trainer("rpgan", "digits", penalties=[{"kind": "r2", "weight": weight}])
    real, fake = torch.randn(2, 8, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    found = []
    for progress in (0.0, 0.5, 1.0):
        batch = critic_batch(trained.variant, real, fake, trained.critic, {})
        rng = make_rng(0, "penalties", "cpu")
        found.append(penalty_terms(trained.variant, "critic", trained.critic, batch, rng, progress)["r2"].item())
    assert [value / found[2] for value in found] == pytest.approx([4.0, 2.5, 1.0])
