"""Schedules of learning rates, in every algorithm that has an optimizer."""

from __future__ import annotations

import pytest
from torch import optim
from training_cases import SPACES, build, real_batches, variant

from ganpipe.schedules.linear import Linear


def test_a_line_goes_from_one_to_its_end() -> None:
    for final in (0.0, 0.5, 3.0):
        schedule = Linear(kind="linear", final=final)
        assert [schedule.factor(p) for p in (0.0, 0.5, 1.0)] == [1.0, (1 + final) / 2, final]


@pytest.mark.parametrize("row", ["lsgan", "wgan", "progressive", "translate", "vae", "autoencoder", "ebm"])
def test_every_step_has_the_rate_of_its_number(row: str) -> None:
    ends = {"generator_optimizer": 0.0, "critic_optimizer": 0.5}
    changes = {name: {"schedule": {"kind": "linear", "final": final}} for name, final in ends.items()}
    chosen = variant(row, "digits", steps=4, **changes)
    at = build(chosen, SPACES["digits"][2])
    own, batches = vars(getattr(at, "gan", at)), real_batches("digits")
    optimizers = {name: value for name, value in own.items() if isinstance(value, optim.Optimizer)}
    for step in range(1, 5):
        at.train_step(batches)
        for name, optimizer in optimizers.items():
            of = "generator_optimizer" if name == "optimizer" else name  # of encoder and decoder
            factor = 1 - (step - 1) / 4 * (1 - ends[of])
            assert optimizer.param_groups[0]["lr"] == pytest.approx(getattr(chosen, of).lr * factor)
    assert optimizers
