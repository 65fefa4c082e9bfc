"""Constraints: what they keep in bounds, and what they must leave alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from ganpipe.constraints import Constraint
from ganpipe.networks import CriticNetwork, GeneratorNetwork
from ganpipe.params import kinds, part_class

PACKAGE = "ganpipe.constraints"
TESTED = {"weight_clipping", "spectral_norm"}
CRITICS: list[tuple[dict[str, Any], tuple[int, ...]]] = [
    ({"kind": "dcgan", "width": 4, "output": "score"}, (1, 8, 8)),
    ({"kind": "mlp", "width": 8, "depth": 2, "output": "score"}, (2,)),
    ({"kind": "autoencoder", "layers": "convolutions", "width": 4, "code": 3}, (3, 16, 16)),
]


def clip(limit: float) -> Constraint:
    return constraint("weight_clipping", limit=limit)


def constraint(kind: str, player: str = "critic", **parameters: Any) -> Constraint:
    part = part_class(PACKAGE, kind).model_validate({"kind": kind, "player": player, **parameters})
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
    clipping = clip(0.05)
    clipping.attach(net)
    optimizer = torch.optim.RMSprop(net.parameters(), lr=0.1)
    weights = list(net.parameters())
    for seed in range(3):
        x = torch.randn(16, 2, generator=torch.Generator().manual_seed(seed))
        optimizer.zero_grad()
        net(x).score.mean().backward()
        optimizer.step()
        assert max(value.abs().max().item() for value in split(net)[0].values()) > 0.05
        clipping.enforce(net)
        assert max(value.abs().max().item() for value in split(net)[0].values()) <= 0.05 + 1e-9
    assert all(a is b for a, b in zip(weights, net.parameters(), strict=True))  # the optimiser still owns them
    assert all(weight.requires_grad and weight.grad is not None for weight in weights)


def test_attaching_clip_changes_nothing() -> None:
    net = build({"kind": "dcgan", "width": 4, "output": "score"}, "none", (1, 8, 8))
    before = {name: value.clone() for name, value in net.state_dict().items()}
    clip(0.01).attach(net)
    assert list(before) == list(net.state_dict())
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())


class _Multiple(nn.Module):
    def __init__(self, factor: Tensor) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, weight: Tensor) -> Tensor:
        return weight * self.factor


def test_clip_bounds_the_weight_that_is_used_where_it_is_a_multiple_of_a_parameter() -> None:
    """The equalised learning rate of progressive growing: the network never sees the parameter itself."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 6), nn.Conv2d(2, 3, 3))
    for layer, factor in zip(net, (0.5, torch.linspace(0.1, 2, 3).view(3, 1, 1, 1)), strict=True):
        nn.init.normal_(layer.weight)
        parametrize.register_parametrization(layer, "weight", _Multiple(torch.as_tensor(factor)))
    before = [layer.weight.detach().clone() for layer in net]
    clip(0.3).enforce(net)
    for layer, weight in zip(net, before, strict=True):
        assert weight.abs().max() > 0.4
        torch.testing.assert_close(layer.weight, weight.clamp(-0.3, 0.3))
        inside = weight.abs() < 0.3
        assert torch.equal(layer.weight[inside], weight[inside])
        assert layer.bias.abs().max() <= 0.3


NETWORKS: dict[str, tuple[str, dict[str, Any], tuple[int, ...]]] = {
    "convolutions": ("critics", {"kind": "dcgan", "width": 4, "norm": "none", "output": "score"}, (1, 16, 16)),
    "perceptron": ("critics", {"kind": "mlp", "width": 8, "depth": 2, "norm": "layer", "output": "score"}, (2,)),
    "autoencoder": (
        "critics",
        {"kind": "autoencoder", "layers": "convolutions", "width": 4, "norm": "batch", "code": 3},
        (3, 16, 16),
    ),
    "transposed convolutions": ("generators", {"kind": "dcgan", "width": 4, "norm": "batch"}, (1, 8, 8)),
    "ensemble": (
        "critics",
        {
            "kind": "ensemble",
            "num_members": 2,
            "base": {"kind": "mlp", "width": 8, "depth": 1, "norm": "none", "output": "score"},
        },
        (2,),
    ),
}
LATENT = 6


def network(name: str) -> tuple[nn.Module, Tensor]:
    """The network, with weights far from norm 1, and an input for it."""
    package, parameters, shape = NETWORKS[name]
    torch.manual_seed(0)
    part = part_class(f"ganpipe.networks.{package}", parameters["kind"]).model_validate(parameters)
    if isinstance(part, GeneratorNetwork):
        net, x = part.build(LATENT, shape), torch.randn(5, LATENT)
    else:
        assert isinstance(part, CriticNetwork)
        net, x = part.build(shape), torch.randn(5, *shape)
    with torch.no_grad():
        for weight in net.parameters():
            weight.mul_(20)
    return net, x


def matrices(net: nn.Module) -> dict[str, Tensor]:
    """Every weight that is used as the matrix (out, in * k * k) of Miyato et al., whatever torch's layout."""
    found = {}
    for name, layer in net.named_modules():
        if isinstance(layer, nn.ConvTranspose2d):
            found[name] = layer.weight.detach().transpose(0, 1).flatten(1)
        elif isinstance(layer, (nn.Conv2d, nn.Linear)):
            found[name] = layer.weight.detach().flatten(1)
    return found


def sigma(matrix: Tensor) -> float:
    return float(torch.linalg.svdvals(matrix.double())[0])


def vectors(net: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in net.named_buffers() if name.endswith(("._u", "._v"))}


every_network = pytest.mark.parametrize("name", NETWORKS)


@every_network
def test_spectral_norm_brings_every_largest_singular_value_to_one(name: str) -> None:
    net, x = network(name)
    before = matrices(net)
    assert all(abs(sigma(matrix) - 1) > 0.05 for matrix in before.values())
    constraint("spectral_norm").attach(net)
    for _ in range(60):
        net(x)
    net.eval()
    after = matrices(net)
    assert list(after) == list(before)
    assert len(after) >= 2
    for layer, matrix in after.items():
        assert sigma(matrix) == pytest.approx(1, abs=1e-2), layer
        torch.testing.assert_close(matrix, before[layer] / sigma(before[layer]), rtol=1e-2, atol=1e-3)


@every_network
def test_spectral_norm_follows_the_weights_while_they_are_trained(name: str) -> None:
    net, x = network(name)
    spectral = constraint("spectral_norm")
    spectral.attach(net)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    originals = [weight for key, weight in net.named_parameters() if key.endswith("original")]
    started = [weight.detach().clone() for weight in originals]
    assert len(originals) == len(matrices(net))
    for _ in range(40):
        said = net(x)
        optimizer.zero_grad()
        (said if isinstance(said, Tensor) else said.score).square().mean().backward()
        optimizer.step()
        spectral.enforce(net)
    assert all(not torch.equal(a, b) for a, b in zip(originals, started, strict=True))
    assert all(sigma(matrix) == pytest.approx(1, abs=0.15) for matrix in matrices(net.eval()).values())


@every_network
def test_one_power_iteration_for_each_forward_in_training_and_none_in_evaluation(name: str) -> None:
    net, x = network(name)
    constraint("spectral_norm").attach(net)
    with torch.no_grad():
        for key, value in net.named_buffers():
            if key.endswith(("._u", "._v")):
                value.copy_(nn.functional.normalize(torch.randn_like(value), dim=0))  # far from the singular vectors
    start = vectors(net)
    assert len(start) == 2 * len(matrices(net.eval()))
    net(x)
    assert all(torch.equal(start[key], value) for key, value in vectors(net).items())
    net.train()
    net(x)
    after = vectors(net)
    for key in after:
        if key.endswith("._v"):
            continue
        layer = net.get_submodule(key.partition(".parametrizations")[0])
        w = layer.parametrizations.weight.original.detach()  # type: ignore[union-attr, union-attr]
        w = (w.transpose(0, 1) if isinstance(layer, nn.ConvTranspose2d) else w).flatten(1)
        u = nn.functional.normalize(w @ start[key.replace("._u", "._v")], dim=0)
        torch.testing.assert_close(after[key], u)
        torch.testing.assert_close(after[key.replace("._u", "._v")], nn.functional.normalize(w.T @ u, dim=0))


@every_network
def test_spectral_norms_vectors_are_saved_and_loaded(name: str) -> None:
    net, x = network(name)
    constraint("spectral_norm").attach(net)
    for _ in range(3):
        net(x)
    saved = net.state_dict()
    assert {key for key in saved if key.endswith(("._u", "._v"))} == set(vectors(net))
    again, _ = network(name)
    constraint("spectral_norm").attach(again)
    again.load_state_dict(saved)
    net.eval(), again.eval()
    one, other = net(x), again(x)
    assert torch.equal(*((said if isinstance(said, Tensor) else said.score) for said in (one, other)))


def test_spectral_norm_leaves_normalisation_and_biases_alone() -> None:
    net, _ = network("autoencoder")
    before = {key: value.clone() for key, value in net.state_dict().items() if "weight" not in key or value.ndim == 1}
    constraint("spectral_norm").attach(net)
    after = net.state_dict()
    assert any(value.ndim == 1 and "weight" in key for key, value in before.items())
    assert all(torch.equal(after[key], value) for key, value in before.items())


def test_spectral_norm_bounds_the_slope_of_the_critic() -> None:
    """A chain of maps of norm 1 and leaky ReLUs is 1-Lipschitz."""
    net, _ = network("convolutions")
    constraint("spectral_norm").attach(net)
    points = torch.randn(64, 1, 16, 16)
    for _ in range(60):
        net(points)
    x = points.requires_grad_(True)
    (gradient,) = torch.autograd.grad(net.eval()(x).score.sum(), x)
    # a kernel's norm as a matrix bounds that of its convolution up to the overlap of its windows: 4 / 2 each way
    layers = sum(isinstance(layer, nn.Conv2d) for layer in net.modules())
    assert gradient.flatten(1).norm(dim=1).max() <= 2.0**layers
    unbound, _ = network("convolutions")
    (steep,) = torch.autograd.grad(unbound.eval()(x).score.sum(), x)
    assert steep.flatten(1).norm(dim=1).max() > 50 * gradient.flatten(1).norm(dim=1).max()


@pytest.mark.parametrize(("kind", "unrolls"), [("weight_clipping", False), ("spectral_norm", True)])
@pytest.mark.parametrize("player", ["critic", "generator"])
def test_a_constraint_says_whose_weights_it_holds(kind: str, unrolls: bool, player: str) -> None:
    part = constraint(kind, player, **({"limit": 1.0} if kind == "weight_clipping" else {}))
    assert part.player == player
    assert part.supports_unrolling == unrolls
