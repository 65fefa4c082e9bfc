"""Constraints: what they keep in bounds, and what they must leave alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from ganpipe.constraints import Constraint
from ganpipe.networks import CriticNetwork
from ganpipe.params import kinds, part_class

PACKAGE = "ganpipe.constraints"
TESTED = {"clip"}
CRITICS: list[tuple[dict[str, Any], tuple[int, ...]]] = [
    ({"kind": "dcgan", "width": 4, "output": "score"}, (1, 8, 8)),
    ({"kind": "mlp", "width": 8, "depth": 2, "output": "score"}, (2,)),
    ({"kind": "autoencoder", "layers": "convolutions", "width": 4, "code": 3}, (3, 16, 16)),
]


def clip(limit: float) -> Constraint:
    part = part_class(PACKAGE, "clip").model_validate({"kind": "clip", "limit": limit})
    assert isinstance(part, Constraint)
    return part


def build(parameters: dict[str, Any], norm: str, shape: tuple[int, ...]) -> nn.Module:
    torch.manual_seed(0)
    part = part_class("ganpipe.networks.critics", parameters["kind"]).model_validate({"norm": norm, **parameters})
    assert isinstance(part, CriticNetwork)
    return part.build(shape)


def split(net: nn.Module) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """The weights and biases of convolutions and linear layers, and everything else."""
    inside, outside = {}, {}
    for name, layer in net.named_modules():
        kind = type(layer).__name__
        for key, value in (*layer.named_parameters(recurse=False), *layer.named_buffers(recurse=False)):
            (inside if kind in ("Conv2d", "ConvTranspose2d", "Linear") else outside)[f"{name}.{key}"] = value
    return inside, outside


@pytest.mark.parametrize("kind", kinds(PACKAGE))
def test_every_constraint_is_tested(kind: str) -> None:
    assert kind in TESTED, f"the constraint {kind} has no test here: write it and add it to TESTED"


@pytest.mark.parametrize("norm", ["none", "batch", "layer"])
@pytest.mark.parametrize(("parameters", "shape"), CRITICS, ids=lambda value: str(value)[:20])
def test_clip_bounds_convolutions_and_linear_layers_only(
    parameters: dict[str, Any], shape: tuple[int, ...], norm: str
) -> None:
    net = build(parameters, norm, shape)
    inside, outside = split(net)
    with torch.no_grad():
        for value in net.state_dict().values():
            value.copy_(torch.where(torch.rand(value.shape) < 0.5, 5, -5) if value.is_floating_point() else value)
    clip(0.01).enforce(net)
    assert inside
    assert bool(outside) == (norm != "none")
    for name, value in inside.items():
        assert set(value.unique().tolist()) <= {torch.tensor(0.01).item(), torch.tensor(-0.01).item()}, name
    for name, value in outside.items():
        assert not value.is_floating_point() or torch.equal(value.abs(), torch.full_like(value, 5)), name


def test_clip_leaves_small_weights_bit_for_bit() -> None:
    net = build({"kind": "mlp", "width": 8, "depth": 2, "output": "score"}, "none", (2,))
    before = [weight.detach().clone() for weight in net.parameters()]
    clip(max(weight.abs().max().item() for weight in before)).enforce(net)
    assert all(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))
    clip(0.1).enforce(net)
    for a, b in zip(before, net.parameters(), strict=True):
        assert torch.equal(a.clamp(-0.1, 0.1), b)
        assert torch.equal(a[a.abs() <= 0.1], b[a.abs() <= 0.1])


def test_clip_holds_after_a_step_of_the_optimiser_and_keeps_training_possible() -> None:
    net = build({"kind": "mlp", "width": 8, "depth": 2, "output": "score"}, "layer", (2,))
    constraint = clip(0.05)
    constraint.attach(net)
    optimizer = torch.optim.RMSprop(net.parameters(), lr=0.1)
    weights = list(net.parameters())
    for seed in range(3):
        x = torch.randn(16, 2, generator=torch.Generator().manual_seed(seed))
        optimizer.zero_grad()
        net(x).score.mean().backward()
        optimizer.step()
        assert max(value.abs().max().item() for value in split(net)[0].values()) > 0.05
        constraint.enforce(net)
        assert max(value.abs().max().item() for value in split(net)[0].values()) <= 0.05 + 1e-9
    assert all(a is b for a, b in zip(weights, net.parameters(), strict=True))  # the optimiser still owns them
    assert all(weight.requires_grad and weight.grad is not None for weight in weights)


def test_attaching_clip_changes_nothing() -> None:
    net = build({"kind": "dcgan", "width": 4, "output": "score"}, "none", (1, 8, 8))
    before = {name: value.clone() for name, value in net.state_dict().items()}
    clip(0.01).attach(net)
    assert list(before) == list(net.state_dict())
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
