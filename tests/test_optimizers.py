"""The optimizers: torch's own numbers, without torch's compiler."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from parts_in_use import part_in_use
from torch import nn, optim

from ganpipe.optimizers.adam import Adam
from ganpipe.optimizers.rmsprop import RMSprop
from ganpipe.parts import kinds

PAIRS = {
    "adam": (
        Adam(kind="adam", lr=0.01, betas=(0.5, 0.9)).build,
        lambda p: optim.Adam(p, lr=0.01, betas=(0.5, 0.9), fused=True),
    ),
    "rmsprop": (
        RMSprop(kind="rmsprop", lr=0.01, alpha=0.9).build,
        lambda p: optim.RMSprop(p, lr=0.01, alpha=0.9, foreach=True),
    ),
}


@pytest.mark.parametrize("kind", kinds("ganpipe.optimizers"))
def test_every_optimizer_descends(kind: str) -> None:
    """Each kind, as a variant uses it."""
    weight = nn.Parameter(torch.ones(3))
    optimizer = part_in_use("ganpipe.optimizers", kind).build([weight])
    for _ in range(10):
        optimizer.zero_grad()
        weight.square().sum().backward()
        optimizer.step()
    assert weight.square().sum() < 3


@pytest.mark.parametrize("kind", PAIRS)
def test_a_step_is_torchs_own_bit_for_bit(kind: str) -> None:
    weights = []
    for build in PAIRS[kind]:
        torch.manual_seed(0)
        net = nn.Linear(5, 3)
        optimizer = build(net.parameters())
        for _ in range(20):
            optimizer.zero_grad()
            net(torch.randn(7, 5)).square().mean().backward()
            optimizer.step()
        weights.append(net.weight.detach())
    assert torch.equal(*weights)


def test_a_rate_follows_its_schedule_and_a_state_is_loaded() -> None:
    rate = {"kind": "linear", "start": 0.1, "end": 0.05, "until": 1.0}
    decaying = Adam.model_validate({"kind": "adam", "lr": rate, "betas": [0.0, 0.9]})
    weight = nn.Parameter(torch.ones(3))
    optimizer, rates = decaying.build([weight]), []
    for step in range(4):
        decaying.follow_schedules(optimizer, step / 4)
        optimizer.zero_grad()
        weight.sum().backward()
        before = weight.detach().clone()
        optimizer.step()
        rates.append(float((before - weight.detach())[0]))
    assert rates == pytest.approx([0.1, 0.0875, 0.075, 0.0625], rel=1e-4)  # the gradient is 1 in every step
    other = decaying.build([nn.Parameter(torch.ones(3))])
    other.load_state_dict(optimizer.state_dict())
    assert torch.equal(other.state_dict()["state"][0]["exp_avg_sq"], optimizer.state_dict()["state"][0]["exp_avg_sq"])


def test_a_step_does_not_import_the_compiler() -> None:
    code = """
import sys, torch
from ganpipe.optimizers.adam import Adam
from ganpipe.optimizers.rmsprop import RMSprop
adam, rmsprop = {"kind": "adam", "lr": 0.1, "betas": (0.0, 0.9)}, {"kind": "rmsprop", "lr": 0.1, "alpha": 0.9}
for part in (Adam.model_validate(adam), RMSprop.model_validate(rmsprop)):
    weight = torch.nn.Parameter(torch.ones(3))
    optimizer = part.build([weight])
    optimizer.zero_grad()
    weight.square().sum().backward()
    optimizer.step()
    optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(3))]})
    optimizer.load_state_dict(optimizer.state_dict())
    optimizer.step()
assert "torch._dynamo" not in sys.modules
# torch's own class is unchanged
import inspect
for name in ("add_param_group", "state_dict", "load_state_dict", "zero_grad"):
    method = getattr(torch.optim.Optimizer, name)
    plain = inspect.unwrap(method)
    assert method is not plain and "__dynamo_disable" not in vars(plain), name
"""
    subprocess.run([sys.executable, "-c", code], check=True)
