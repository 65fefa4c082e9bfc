"""Constraints: what they keep in bounds, and what they leave alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from parts_in_use import part_in_use
from torch import Tensor, nn

from ganpipe.constraints import Constraint
from ganpipe.networks import GeneratorNetwork
from ganpipe.networks._growing import equalized_lr
from ganpipe.optimizers.adam import Adam
from ganpipe.parts import kinds, part_class

PACKAGE = "ganpipe.constraints"
LAYERS = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
MLP = {
    "kind": "mlp",
    "width": 8,
    "depth": 2,
    "norm": "none",
    "output": "score",
    "first_layer_scale": 1.0,
    "bias_spread": 0.0,
}
NETWORKS: dict[str, tuple[str, dict[str, Any], tuple[int, ...]]] = {
    "convolutions": ("critics", {"kind": "dcgan", "width": 4, "norm": "none", "output": "score"}, (1, 16, 16)),
    "mlp": ("critics", MLP | {"norm": "layer"}, (2,)),
    "autoencoder": (
        "critics",
        {"kind": "autoencoder", "layers": "convolutions", "width": 4, "norm": "batch", "code": 3},
        (3, 16, 16),
    ),
    "transposed convolutions": ("generators", {"kind": "dcgan", "width": 4, "norm": "batch"}, (1, 8, 8)),
    "ensemble": ("critics", {"kind": "ensemble", "num_members": 2, "base": MLP}, (2,)),
}
LATENT = 6

every_network = pytest.mark.parametrize("name", NETWORKS)


def constraint(kind: str, network: str = "critic", **parameters: Any) -> Constraint:
    part = part_class(PACKAGE, kind).model_validate({"kind": kind, "network": network, **parameters})
    assert isinstance(part, Constraint)
    return part


def network(name: str) -> tuple[nn.Module, Tensor]:
    """The network, with weights far from norm 1, and an input for it."""
    package, parameters, shape = NETWORKS[name]
    torch.manual_seed(0)
    part: Any = part_class(f"ganpipe.networks.{package}", parameters["kind"]).model_validate(parameters)
    generates = isinstance(part, GeneratorNetwork)
    net = part.build(LATENT, shape) if generates else part.build(shape)
    with torch.no_grad():
        for weight in net.parameters():
            weight.mul_(20)
    return net, torch.randn(5, LATENT) if generates else torch.randn(5, *shape)


def output(net: nn.Module, x: Tensor) -> Tensor:
    made = net(x)
    return made if isinstance(made, Tensor) else made.score


@pytest.mark.parametrize("kind", kinds(PACKAGE))
def test_a_constraint_holds_through_steps_of_the_optimizer_and_leaves_them_possible(kind: str) -> None:
    """Every kind, as a variant uses it: the network still computes and learns."""
    part = part_in_use(PACKAGE, kind)
    net, x = network("mlp")
    part.attach(net)
    weights = list(net.parameters())
    optimizer = Adam(kind="adam", lr=0.01, betas=(0.0, 0.9)).build(weights)
    for _ in range(3):
        before = [weight.detach().clone() for weight in weights]
        optimizer.zero_grad()
        output(net, x).square().mean().backward()
        optimizer.step()
        part.enforce(net)
        assert output(net, x).isfinite().all()
        assert any(not torch.equal(a, b) for a, b in zip(before, weights, strict=True))
    assert all(a is b for a, b in zip(weights, net.parameters(), strict=True))  # the optimizer still owns them
    again = [weight.detach().clone() for weight in weights]
    part.enforce(net)
    assert all(torch.equal(a, b) for a, b in zip(again, weights, strict=True))


# --- weight clipping ------------------------------------------------------------------------------------------------


@every_network
def test_weight_clipping_bounds_convolutions_and_linear_layers_only(name: str) -> None:
    net, _ = network(name)
    inside = {id(w) for layer in net.modules() if isinstance(layer, LAYERS) for w in layer.parameters(recurse=False)}
    before = {key: value.clone() for key, value in net.state_dict(keep_vars=True).items()}
    clipping = constraint("weight_clipping", limit=0.05)
    clipping.attach(net)
    clipping.enforce(net)
    after = net.state_dict(keep_vars=True)
    assert list(after) == list(before)
    assert inside
    assert any(not torch.equal(after[key], before[key]) for key in after)
    for key, value in after.items():
        assert torch.equal(value, before[key].clamp(-0.05, 0.05) if id(value) in inside else before[key]), key


def test_weight_clipping_bounds_the_weight_that_is_used_behind_an_equalized_learning_rate() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(equalized_lr(nn.Linear(4, 6), gain=1.0), equalized_lr(nn.Conv2d(2, 3, 3), gain=8.0))
    before = [layer.weight.detach().clone() for layer in net]
    constraint("weight_clipping", limit=0.3).enforce(net)
    for layer, weight in zip(net, before, strict=True):
        assert weight.abs().max() > 0.4
        torch.testing.assert_close(layer.weight, weight.clamp(-0.3, 0.3))


# --- spectral norm --------------------------------------------------------------------------------------------------


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


@every_network
def test_spectral_norm_brings_every_largest_singular_value_to_one(name: str) -> None:
    net, x = network(name)
    before, state = matrices(net), {key: value.clone() for key, value in net.state_dict().items()}
    assert all(abs(sigma(matrix) - 1) > 0.05 for matrix in before.values())
    constraint("spectral_norm").attach(net)
    for key, value in net.state_dict().items():  # normalisation and biases are left alone
        assert key not in state or torch.equal(value, state[key])
    for _ in range(60):
        net(x)
    after = matrices(net.eval())
    assert list(after) == list(before)
    for layer, matrix in after.items():
        assert sigma(matrix) == pytest.approx(1, abs=1e-2), layer
        torch.testing.assert_close(matrix, before[layer] / sigma(before[layer]), rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize("name", ["convolutions", "transposed convolutions"])
def test_spectral_norm_follows_the_weights_while_they_are_trained(name: str) -> None:
    net, x = network(name)
    constraint("spectral_norm").attach(net)
    optimizer = Adam(kind="adam", lr=0.01, betas=(0.0, 0.9)).build(net.parameters())
    for _ in range(40):
        optimizer.zero_grad()
        output(net, x).square().mean().backward()
        optimizer.step()
    assert all(sigma(matrix) == pytest.approx(1, abs=0.15) for matrix in matrices(net.eval()).values())


@every_network
def test_one_power_iteration_for_each_forward_in_training_and_none_in_evaluation(name: str) -> None:
    """Algorithm 1, lines 1 and 2: u = W v / |W v|, then v = W' u / |W' u|."""
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
    net.train()(x)
    after = vectors(net)
    for key in (key for key in after if key.endswith("._u")):
        layer: Any = net.get_submodule(key.partition(".parametrizations")[0])
        w = layer.parametrizations.weight.original.detach()
        w = (w.transpose(0, 1) if isinstance(layer, nn.ConvTranspose2d) else w).flatten(1)
        u = nn.functional.normalize(w @ start[key.replace("._u", "._v")], dim=0)
        torch.testing.assert_close(after[key], u)
        torch.testing.assert_close(after[key.replace("._u", "._v")], nn.functional.normalize(w.T @ u, dim=0))


def test_the_vectors_of_spectral_norm_are_saved_and_loaded() -> None:
    (net, x), (again, _) = network("autoencoder"), network("autoencoder")
    for one in (net, again):
        constraint("spectral_norm").attach(one)
    for _ in range(3):
        net(x)
    assert set(vectors(net)) <= set(net.state_dict())
    again.load_state_dict(net.state_dict())
    assert torch.equal(output(net.eval(), x), output(again.eval(), x))


def test_spectral_norm_bounds_the_gradient_of_the_critic() -> None:
    """A chain of maps of norm 1 and leaky ReLUs is 1-Lipschitz."""
    net, _ = network("convolutions")
    constraint("spectral_norm").attach(net)
    points = torch.randn(64, 1, 16, 16)
    for _ in range(60):
        net(points)
    x = points.requires_grad_(True)
    (gradient,) = torch.autograd.grad(output(net.eval(), x).sum(), x)
    # a kernel's norm as a matrix bounds that of its convolution up to the overlap of its windows: 4 / 2 each way
    layers = sum(isinstance(layer, nn.Conv2d) for layer in net.modules())
    assert gradient.flatten(1).norm(dim=1).max() <= 2.0**layers
