"""The moving average forgets the random start, in every algorithm that has one."""

from __future__ import annotations

from math import prod

import pytest
import torch
from training_cases import build, parameters, real_batches, variant

from ganpipe.utils.ema import ema_decay


def test_the_decay_grows_with_the_updates() -> None:
    assert [ema_decay(0.999, t, 0.0) for t in (1, 2, 90, 8989, 8991)] == [2 / 11, 3 / 12, 91 / 100, 8990 / 8999, 0.999]
    assert prod(ema_decay(0.999, t, 0.0) for t in range(1, 2001)) < 1e-20
    assert 0.999**2000 > 0.13  # what a constant decay leaves


@pytest.mark.parametrize("row", ["lsgan", "wgan_gp", "progressive", "translate", "vae", "autoencoder", "ebm"])
def test_ten_updates_leave_nothing_of_the_start(row: str) -> None:
    chosen = variant(row, "digits", ema=0.999)
    at = build(chosen, (1, 8, 8))
    averaged, trained = at.generators["ema"], at.generators["raw"]
    with torch.no_grad():
        for weight in averaged.parameters():
            weight.fill_(1000.0)
    batches = real_batches("digits")
    for _ in range(10 * getattr(chosen.algorithm, "critic_steps", 1)):
        at.train_step(batches)
    now = parameters(trained)
    for name, value in parameters(averaged).items():
        assert (value - now[name]).abs().max() < 1, name  # of the start there are 1000 * 6e-5, the rates are small
