"""Ensembles of generators and critics, the affine generator, and no critic."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from ganpipe.networks import CriticNetwork, GeneratorNetwork
from ganpipe.parts import part_class

MLP: dict[str, Any] = {"kind": "mlp", "width": 8, "depth": 1, "norm": "none"}
SCORE: dict[str, Any] = {**MLP, "output": "score", "first_layer_scale": 1.0, "bias_spread": 0.0}
PATCHES: dict[str, Any] = {"kind": "patch", "width": 4, "layers": 1, "norm": "none"}
DCGAN: dict[str, Any] = {"kind": "dcgan", "width": 4, "norm": "batch"}


def generator(kind: str = "ensemble", **parameters: Any) -> GeneratorNetwork:
    part = part_class("ganpipe.networks.generators", kind).model_validate({"kind": kind, **parameters})
    assert isinstance(part, GeneratorNetwork)
    return part


def critic(kind: str = "ensemble", **parameters: Any) -> CriticNetwork:
    part = part_class("ganpipe.networks.critics", kind).model_validate({"kind": kind, **parameters})
    assert isinstance(part, CriticNetwork)
    return part


@pytest.mark.parametrize("n", [2, 9, 64])
@pytest.mark.parametrize("count", [2, 5])
def test_latents_go_to_the_members_in_turn_and_samples_come_back_in_order(n: int, count: int) -> None:
    net = generator(num_members=count, base=MLP).build(6, (2,))
    z = torch.randn(n, 6)
    made = net(z)
    assert made.shape == (n, 2)
    for i in range(n):
        torch.testing.assert_close(made[i], net.members[i % count](z[i : i + 1])[0])


def test_members_of_a_generator_ensemble_are_different() -> None:
    net = generator(num_members=3, base=DCGAN).build(6, (1, 8, 8))
    z = torch.randn(1, 6).expand(6, 6)
    made = net.eval()(z)
    largest = made.abs().max()
    assert (made[:3] - made[3:]).abs().max() < 1e-4 * largest  # AMD's processors differ in the last bits
    assert all((made[i] - made[j]).abs().max() > 0.1 * largest for i in range(3) for j in range(i))


def test_an_ensemble_takes_what_holds_for_its_base() -> None:
    part = generator(num_members=3, base=DCGAN)
    assert part.incompatibility((1, 8, 8)) is None
    assert "images" in str(part.incompatibility((2,)))
    assert part.num_generators == 3
    assert generator(num_members=2, base={"kind": "ensemble", "num_members": 3, "base": MLP}).num_generators == 6
    assert generator("mlp", width=4, depth=1, norm="none").num_generators == 1
    affine = generator(num_members=2, base={"kind": "affine"})
    assert affine.latent_incompatibility(2, (2,)) is None
    assert "2 numbers of a latent" in str(affine.latent_incompatibility(1, (2,)))
    judge = critic(num_members=2, base={**DCGAN, "output": "score"})
    assert (judge.num_scores, judge.output_type, judge.uses_batch_stats) == (2, "score", True)
    assert "images" in str(judge.incompatibility((2,)))
    energies = critic(num_members=4, base={**SCORE, "output": "energy"})
    assert (energies.num_scores, energies.output_type, energies.uses_batch_stats) == (4, "energy", False)
    assert (energies.has_code, energies.is_autoencoder) == (False, False)
    assert critic(**SCORE).num_scores == 1


@pytest.mark.parametrize("shape", [(2,), (1, 8, 8)])
def test_a_critic_ensemble_has_a_column_for_each_member(shape: tuple[int, ...]) -> None:
    net = critic(num_members=3, base=SCORE).build(shape)
    x = torch.randn(5, *shape)
    said = net(x)
    assert said.score.shape == (5, 3)
    assert said.code is None
    for k, member in enumerate(net.members):
        assert torch.equal(said.score[:, k], member(x).score)
    assert all(not torch.equal(said.score[:, i], said.score[:, j]) for i in range(3) for j in range(i))


def test_a_column_moves_its_own_member_only() -> None:
    net = critic(num_members=3, base=SCORE).build((2,))
    net(torch.randn(5, 2)).score[:, 1].sum().backward()
    for k, member in enumerate(net.members):
        moved = [weight.grad is not None and float(weight.grad.abs().sum()) > 0 for weight in member.parameters()]
        assert moved == [k == 1] * len(moved)


@pytest.mark.parametrize("member", [{"kind": "none"}, PATCHES, {"kind": "ensemble", "num_members": 2, "base": MLP}])
def test_a_critic_ensemble_refuses_members_without_a_score_of_their_own(member: dict[str, Any]) -> None:
    if "base" in member:
        member = {**member, "base": SCORE}
    with pytest.raises(ValidationError) as caught:
        critic(num_members=2, base=member)
    (error,) = caught.value.errors()
    assert error["loc"] == ("base", "kind")
    assert error["input"] == member["kind"]
    assert "use `kind: mlp`" in error["msg"]


@pytest.mark.parametrize(
    ("kind", "maker", "parameters"),
    [
        ("gradient_ascent", "ebm", {"steps": 3, "rate": 0.1}),
        ("gmm", "gmm", {"components": 2, "covariance": "diag"}),
    ],
)
def test_a_generator_ensemble_refuses_members_that_no_gradient_trains(
    kind: str, maker: str, parameters: dict[str, Any]
) -> None:
    with pytest.raises(ValidationError) as caught:
        generator(num_members=2, base={"kind": kind, **parameters})
    (error,) = caught.value.errors()
    assert error["loc"] == ("base", "kind")
    assert error["input"] == kind
    assert f"the algorithm {maker} alone; use `kind: mlp`" in error["msg"]


def test_the_remedy_against_coupling_names_the_members_key() -> None:
    """What is refused stands in `critic.member`, and a `critic.norm` would be an unknown key."""
    single = critic(**DCGAN, output="score")
    assert single.batch_stats_layer == ("batch norm", "`critic.norm: layer` or `none`")
    ensemble = critic(num_members=2, base={**DCGAN, "output": "score"})
    assert ensemble.uses_batch_stats
    assert ensemble.batch_stats_layer == ("batch norm", "`critic.base.norm: layer` or `none`")
    growing = {"kind": "progressive", "width": 4, "minibatch_stddev": True, "output": "score"}
    assert critic(**growing).batch_stats_layer == (
        "the minibatch standard deviation",
        "`critic.minibatch_stddev: false`",
    )
    assert critic(num_members=2, base=growing).batch_stats_layer[1] == "`critic.base.minibatch_stddev: false`"


@pytest.mark.parametrize("count", [0, 1, 33])
def test_ensembles_have_two_members_or_more(count: int) -> None:
    for build, member in ((generator, MLP), (critic, SCORE)):
        with pytest.raises(ValidationError):
            build(num_members=count, base=member)


def weights(net: torch.nn.Module) -> list[Tensor]:
    return list(net.parameters())


def test_the_affine_generator_by_hand() -> None:
    net = generator("affine").build(5, (2,))
    z = torch.randn(7, 5)
    assert torch.equal(net(z), z[:, :2])  # it starts as the identity
    assert sorted(weight.shape for weight in weights(net)) == [(2,), (2,)]
    with torch.no_grad():
        net.mean.copy_(torch.tensor([1.0, -2.0]))
        net.scale.copy_(torch.tensor([0.5, 3.0]))
    torch.testing.assert_close(net(z), torch.stack([1 + 0.5 * z[:, 0], -2 + 3 * z[:, 1]], 1))
    net(z).sum().backward()
    torch.testing.assert_close(net.mean.grad, torch.tensor([7.0, 7.0]))
    torch.testing.assert_close(net.scale.grad, z[:, :2].sum(0))


def test_the_affine_generator_is_for_points_and_reads_a_number_for_each_feature() -> None:
    part = generator("affine")
    assert "images" in str(part.incompatibility((1, 8, 8)))
    assert part.incompatibility((2,)) is None
    assert part.latent_incompatibility(2, (2,)) is None
    assert part.latent_incompatibility(64, (2,)) is None
    assert "`latent.size` is 1" in str(part.latent_incompatibility(1, (2,)))  # one number would be used for both
