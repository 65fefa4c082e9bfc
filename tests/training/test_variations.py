"""What can be laid on a game beside its losses: packs, instance noise, ensembles, constraints, a balance."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from ganpipe.training.adversarial import Game
from ganpipe.training.batches import packed
from torch import Tensor
from training_games import SPACES, Endless, game, parameters, reals, same, weights

MLP = {"kind": "mlp", "width": 8, "depth": 2, "norm": "none"}
CRITIC = MLP | {"output": "score"}


def states(at: Game) -> list[dict[str, Tensor]]:
    return [weights(net) for net in (at.generator, at.average, at.critic)]


def played(times: int, *args: Any, **changes: Any) -> Game:
    at, batches = game(*args, **changes), Endless(args[1], changes.get("batch", 8))
    for _ in range(times):
        at.step(batches)  # type: ignore[arg-type]
    return at


def all_same(one: Game, other: Game) -> bool:
    return all(same(a, b) for a, b in zip(states(one), states(other), strict=True))


# --- packs ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", ["non_saturating", "rpgan"])
@pytest.mark.parametrize("space", SPACES)
def test_packs_of_one_are_the_game_itself_bit_for_bit(row: str, space: str) -> None:
    base = played(5, row, space)
    assert base.procedure.pack == 1
    assert all_same(base, played(5, row, space, procedure={"pack": 1}))
    pairs = played(5, row, space, procedure={"pack": 2})
    assert weights(base.critic).keys() == weights(pairs.critic).keys()
    assert not same(weights(base.generator), weights(pairs.generator))


def test_a_pack_of_two_is_two_images_as_channels_of_one() -> None:
    x = torch.arange(4 * 3 * 2 * 2).view(4, 3, 2, 2)
    pair = packed(x, 2)
    assert pair.shape == (2, 6, 2, 2)
    assert torch.equal(pair[0, :3], x[0])
    assert torch.equal(pair[0, 3:], x[1])
    assert torch.equal(pair[1, 3:], x[3])
    points = packed(torch.arange(8).view(4, 2), 2)
    assert points.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]


@pytest.mark.parametrize("space", ["digits", "points"])
def test_a_generator_gets_a_gradient_for_every_sample_of_a_pack(space: str) -> None:
    at = game("lsgan", space, procedure={"pack": 2})
    fake = reals(space, seed=4).requires_grad_(True)
    shown = at._shown(fake)
    at._judge(shown).score.sum().backward()
    assert fake.grad is not None
    assert (fake.grad.flatten(1).abs().sum(1) > 0).all()


# --- instance noise ------------------------------------------------------------------------------------------------


class Zeros:
    def __next__(self) -> Tensor:
        return torch.zeros(512, 2)


def test_instance_noise_goes_to_nothing_in_a_line_and_both_players_see_as_much() -> None:
    steps, sigma = 9, 2.0
    at = game("lsgan", "points", batch=512, steps=steps, procedure={"instance_noise": sigma})
    seen: list[Tensor] = []
    at._judge_before = at._judge  # type: ignore[attr-defined]
    at._judge = lambda x: (seen.append(x.detach()), at._judge_before(x))[1]  # type: ignore[method-assign,func-returns-value,attr-defined]
    found = []
    for _ in range(steps):
        seen.clear()
        at.step(Zeros())  # type: ignore[arg-type]
        # a joint batch of reals and fakes for the critic, fakes for the generator; the reals are 0 without noise
        found.append(seen[0][:512].std().item())
    expected = [sigma * (steps - 1 - i) / (steps - 1) for i in range(steps)]
    assert found == pytest.approx(expected, rel=0.1, abs=1e-12)
    assert found[-1] == 0


def test_instance_noise_is_on_fakes_too_and_the_same_for_the_generator() -> None:
    at = game("lsgan", "points", batch=2000, steps=11, procedure={"instance_noise": 1.5})
    for step in (1, 6, 11):
        at.steps = step
        for x in (torch.zeros(2000, 2), torch.full((2000, 2), 3.0)):
            shown = at._shown(x)
            left = 1.5 * (11 - step) / 10
            assert (shown - x).std().item() == pytest.approx(left, rel=0.06, abs=1e-12)
            assert (shown - x).mean().item() == pytest.approx(0, abs=0.1)


def test_a_single_step_has_no_noise_and_no_division_by_zero() -> None:
    at = played(1, "lsgan", "points", steps=1, procedure={"instance_noise": 1.0})
    assert all(value.isfinite().all() for state in states(at) for value in state.values())


def test_no_noise_draws_no_numbers_and_noise_changes_the_game() -> None:
    base = played(4, "lsgan", "points")
    assert all_same(base, played(4, "lsgan", "points", procedure={"instance_noise": 0.0}))
    noisy = played(4, "lsgan", "points", procedure={"instance_noise": 0.5})
    assert not all_same(base, noisy)
    assert all_same(noisy, played(4, "lsgan", "points", procedure={"instance_noise": 0.5}))


# --- ensembles -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [8, 9, 10])
def test_every_member_of_a_generator_ensemble_moves(batch: int) -> None:
    """Nine samples for four members: with shares of three the fourth would get none."""
    at = game("lsgan", "points", batch=batch, generator={"kind": "ensemble", "num_members": 4, "base": MLP})
    before = [parameters(member) for member in at.generator.members]  # type: ignore[union-attr]
    batches = Endless("points", batch)
    at.step(batches)  # type: ignore[arg-type]
    for member, old in zip(at.generator.members, before, strict=True):  # type: ignore[arg-type]
        assert not any(torch.equal(value, old[name]) for name, value in member.named_parameters())


OBJECTIVE = {"kind": "ensemble", "members": [{"kind": "hinge"}, {"kind": "wgan"}]}


def test_every_member_of_a_critic_ensemble_moves_by_its_own_objective() -> None:
    changes: dict[str, Any] = {"objective": OBJECTIVE, "critic": {"kind": "ensemble", "num_members": 2, "base": CRITIC}}
    # one of them is Wasserstein's, which asks for a limit; this one is never reached
    changes["constraints"] = [{"kind": "weight_clipping", "player": "critic", "limit": 100.0}]
    at = game("non_saturating", "points", **changes)
    first, second = at.critic.members  # type: ignore[misc]
    assert not same(weights(first), weights(second))
    before = weights(first), weights(second)
    at._critic_step(reals("points"))
    assert not same(weights(first), before[0])
    assert not same(weights(second), before[1])
    # the second member's objective with its weight of one half, and nothing of the first's
    gradients = [weight.grad.clone() for weight in second.parameters()]
    at = game("non_saturating", "points", **changes)
    at.steps = 0
    fake = at.generator(torch.zeros(8, 6)).detach()
    real = reals("points")
    member = at.critic.members[1]  # type: ignore[union-attr,index]
    loss = at._critic_loss(at._judge, real, fake)
    found = torch.autograd.grad(loss, list(member.parameters()))
    alone = (member(fake).score - member(real).score).mean() / 2
    for gradient, by_hand in zip(found, torch.autograd.grad(alone, list(member.parameters())), strict=True):
        torch.testing.assert_close(gradient, by_hand)
    assert len(gradients) == len(found)


# --- constraints ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("player", ["critic", "generator"])
def test_clipping_holds_for_its_player_only(player: str) -> None:
    clip = {"kind": "weight_clipping", "player": player, "limit": 0.01}
    at = played(3, "lsgan", "points", generator={"norm": "none"}, constraints=[clip])
    for name, net in at.players.items():
        largest = max(weight.abs().max().item() for weight in net.parameters())
        assert (largest <= 0.01 + 1e-9) == (name == player)


@pytest.mark.parametrize("player", ["critic", "generator"])
def test_spectral_norms_vectors_are_the_seeds(player: str) -> None:
    """And not those of the process's global stream."""
    changes = {"constraints": [{"kind": "spectral_norm", "player": player}]}
    found = []
    for disturbance in (1, 2):
        torch.manual_seed(disturbance)
        before = torch.get_rng_state()
        at = game("lsgan", "points", **changes)
        assert torch.equal(torch.get_rng_state(), before)
        found.append(at)
    assert any(name.endswith("._u") for name in weights(found[0].players[player]))
    assert all_same(*found)
    assert not all_same(found[0], game("lsgan", "points", seed=1, **changes))


def test_spectral_norm_of_a_generator_goes_on_into_its_average_and_its_weights() -> None:
    at = played(3, "lsgan", "points", constraints=[{"kind": "spectral_norm", "player": "generator"}])
    names = list(at.generator.state_dict())
    assert list(at.average.state_dict()) == names
    assert any(name.endswith("original") for name in names)
    fresh = Game.build_generator(at.variant, (2,))
    fresh.load_state_dict(at.average.state_dict())
    z = torch.randn(5, 6)
    assert torch.equal(fresh.eval()(z), at.average.eval()(z))


# --- a balance -----------------------------------------------------------------------------------------------------


def test_the_balance_of_began_moves_with_the_critic_and_is_in_the_history() -> None:
    critic = {"kind": "autoencoder", "layers": "dense", "width": 8, "norm": "none", "code": 2}
    at = game("lsgan", "points", objective={"kind": "began", "gamma": 0.9, "lambda_k": 0.1}, critic=critic)
    k = 0.0
    for seed in range(4):
        figures = at._critic_step(reals("points", seed=seed))
        off = 0.9 * figures["real_score"] - figures["fake_score"]
        k = min(max(k + 0.1 * off.item(), 0.0), 1.0)
        assert figures["k"].item() == pytest.approx(k, rel=1e-5)
        assert figures["k"].shape == ()
