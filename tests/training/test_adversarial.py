"""The two-player game: who moves in a step, what the critic sees, and what makes two runs the same run."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from training_games import CPU, ROWS, RUNTIME, SPACES, Endless, game, parameters, reals, same, variant, weights

from ganpipe.game import Round
from ganpipe.training import sampling
from ganpipe.training.adversarial import Game, draw
from ganpipe.training.batches import Space, packed
from ganpipe.training.streams import initialised_by, stream
from ganpipe.variant import Latent, Runtime

every_row = pytest.mark.parametrize("row", ROWS)
dense = pytest.mark.parametrize("space", ["digits", "points"])
every_space = pytest.mark.parametrize("space", SPACES)


def seen_by(net: nn.Module) -> list[Tensor]:
    """What the network is given from now on."""
    seen: list[Tensor] = []
    net.register_forward_pre_hook(lambda module, args: seen.append(args[0].detach().clone()))
    return seen


def plain(space: str, norm: str = "none", output: str = "score", **more: Any) -> dict[str, Any]:
    """Changes of a row: a small critic of this norm, without anything beside the two losses."""
    critic = {"kind": "mlp", "width": 8, "depth": 2, "norm": norm, "output": output}
    if space == "convolutions":
        critic = {"kind": "dcgan", "width": 4, "norm": norm, "output": output}
    return {"critic": critic, "penalties": [], "constraints": [], "procedure": {"critic_steps": 1}, **more}


@every_row
@dense
def test_no_gradient_reaches_the_other_player(row: str, space: str) -> None:
    at = game(row, space)
    at._critic_step(reals(space))
    assert all(weight.grad is None for weight in at.generator.parameters())
    assert all(weight.grad is not None for weight in at.critic.parameters())
    gradients = [weight.grad.clone() for weight in at.critic.parameters()]  # type: ignore[union-attr]
    at._generator_step(reals(space))
    assert all(weight.grad is not None for weight in at.generator.parameters())
    assert all(torch.equal(weight.grad, g) for weight, g in zip(at.critic.parameters(), gradients, strict=True))  # type: ignore[arg-type]
    assert all(weight.grad is None and not weight.requires_grad for weight in at.average.parameters())


@every_row
@every_space
def test_same_seed_same_bits_and_another_seed_others(row: str, space: str) -> None:
    found = []
    for seed, disturbance in ((0, 1), (0, 2), (1, 1)):
        torch.manual_seed(disturbance)
        at, batches = game(row, space, seed), Endless(space)
        for _ in range(5):
            torch.rand(disturbance)
            at.step(batches)  # type: ignore[arg-type]
        found.append([weights(net) for net in (at.generator, at.average, at.critic)])
    assert all(same(a, b) for a, b in zip(found[0], found[1], strict=True))
    assert not any(same(a, b) for a, b in zip(found[0], found[2], strict=True))


@every_row
@dense
def test_looking_at_samples_between_steps_changes_nothing(row: str, space: str) -> None:
    form = SPACES[space][0]
    found = []
    for look in (False, True):
        at, batches = game(row, space), Endless(space)
        for step in range(4):
            at.step(batches)  # type: ignore[arg-type]
            if look:
                for net in at.generators().values():
                    latent = at.variant.latent
                    made = sampling.sample(net, latent, 9, Space(form, 1.0), 0, "shown", CPU)
                    assert made.shape == (9, *SPACES[space][2])
                assert at.generator.training, step
        found.append([weights(net) for net in (at.generator, at.average, at.critic)])
    assert all(same(a, b) for a, b in zip(*found, strict=True))


@pytest.mark.parametrize("steps", [1, 2, 3, 5])
def test_the_generator_moves_after_every_so_many_steps_of_the_critic(steps: int) -> None:
    at, batches = game("lsgan", "points", procedure={"critic_steps": steps}), Endless("points")
    for step in range(1, 11):
        before = parameters(at.generator)
        figures = at.step(batches)  # type: ignore[arg-type]
        moves = step % steps == 0
        assert same(parameters(at.generator), before) != moves
        assert ("generator_loss" in figures) == moves
        assert {"critic_loss", "real_score", "fake_score"} <= set(figures)
    assert batches.asked == 10 + 10 // steps  # each update has a batch of its own


@every_row
@dense
def test_figures_are_the_losses_of_both_players_and_every_penalty(row: str, space: str) -> None:
    at = game(row, space, procedure={"critic_steps": 1})
    figures = at.step(Endless(space))  # type: ignore[arg-type]
    expected = {"critic_loss", "generator_loss", "real_score", "fake_score"}
    remembered = set(at.variant.objective.initial_state(CPU))
    assert set(figures) == expected | remembered | {penalty.kind for penalty in at.variant.penalties}
    assert all(value.isfinite() for value in figures.values())


@every_row
@dense
def test_each_player_goes_down_its_own_loss_and_its_own_penalties(row: str, space: str) -> None:
    """The gradients of both steps are those of the sum written out here, with nothing left out and nothing else.

    Without unrolling and instance noise, whose steps are written out in test_unroll.py and test_variations.py.
    """
    direct = {"procedure": {"unroll": {"steps": 0}, "instance_noise": 0.0}}
    at, by_hand = game(row, space, **direct), game(row, space, **direct)
    real, chosen = reals(space), at.variant
    pack = at.procedure.pack
    latents = [draw(chosen.latent, 8, at_stream) for at_stream in [stream(0, "latents", CPU)] for _ in range(2)]
    chance = stream(0, "penalties", CPU)
    for player, z, net in (("critic", latents[0], by_hand.critic), ("generator", latents[1], by_hand.generator)):
        fake = by_hand.generator(z)
        shown = [packed(x, pack) for x in (real, fake.detach() if player == "critic" else fake)]
        # as often as the game does: spectral norm takes an iteration in every pass
        meet = Round if player == "generator" or chosen.critic.couples_samples else Round.joint
        meeting = meet(*shown, by_hand.critic, at.state)
        loss = getattr(chosen.objective, player)(meeting).mean()
        for penalty in chosen.penalties:
            if penalty.player == player:
                loss = loss + penalty(by_hand.critic, meeting, chance).mean()
        expected = torch.autograd.grad(loss, list(net.parameters()))
        figures = at._critic_step(real) if player == "critic" else at._generator_step(real)
        assert all(value.isfinite() for value in figures.values())
        for weight, gradient in zip(getattr(at, player).parameters(), expected, strict=True):
            assert weight.grad is not None
            torch.testing.assert_close(weight.grad, gradient, rtol=1e-3, atol=1e-5 * float(gradient.abs().max() + 1))
        by_hand.critic.load_state_dict(at.critic.state_dict())


def test_the_figure_of_the_loss_is_without_the_penalties() -> None:
    """So that variants with and without penalties can be compared."""
    at = game("lsgan", "points", **plain("points"))
    at.critic.eval()
    figures = []
    for penalties in ([], [{"kind": "r1", "weight": 1000.0}]):
        one = game("lsgan", "points", **plain("points") | {"penalties": penalties})
        figures.append(one._critic_step(reals("points")))
    assert torch.equal(figures[0]["critic_loss"], figures[1]["critic_loss"])
    assert figures[1]["r1"] > 0


# --- what the critic sees ------------------------------------------------------------------------------------------


@every_space
@pytest.mark.parametrize("norm", ["none", "layer", "batch"])
def test_a_joint_pass_is_two_passes_where_no_layer_couples_samples(space: str, norm: str) -> None:
    at = game("lsgan", space, **plain(space, norm))
    for layer in at.critic.modules():
        if isinstance(layer, (nn.Linear, nn.Conv2d)):
            layer.weight.data.mul_(10)
    real, fake = reals(space), 0.3 * reals(space, seed=1)
    joint, two = Round.joint(real, fake, at.critic), Round(real, fake, at.critic)
    equal = all(
        torch.allclose(a, b, rtol=1e-4, atol=1e-5)
        for a, b in ((joint.on_real.score, two.on_real.score), (joint.on_fake.score, two.on_fake.score))
    )
    assert equal == (not at.variant.critic.couples_samples) == (norm != "batch")


def test_a_joint_pass_splits_codes_as_it_splits_scores() -> None:
    at = game("ebgan", "points")
    real, fake = reals("points", 5), reals("points", 3, 1)
    joint, two = Round.joint(real, fake, at.critic), Round(real, fake, at.critic)
    for a, b in ((joint.on_real, two.on_real), (joint.on_fake, two.on_fake)):
        assert a.code is not None
        assert b.code is not None
        assert a.code.shape == b.code.shape
        torch.testing.assert_close(a.code, b.code)
        torch.testing.assert_close(a.score, b.score)


@every_space
@pytest.mark.parametrize(("norm", "sizes"), [("none", [16]), ("layer", [16]), ("batch", [8, 8])])
def test_the_critic_judges_jointly_only_where_that_is_the_same(space: str, norm: str, sizes: list[int]) -> None:
    at = game("lsgan", space, **plain(space, norm))
    seen = seen_by(at.critic)
    at._critic_step(reals(space))
    assert [len(x) for x in seen] == sizes
    seen.clear()
    at._generator_step(reals(space))
    assert [len(x) for x in seen] == [8]  # the fakes alone: no loss of this row needs the reals
    seen.clear()
    relativistic = game("rpgan", space, **plain(space, norm))
    seen = seen_by(relativistic.critic)
    relativistic._generator_step(reals(space))
    assert [len(x) for x in seen] == [8, 8]


@every_space
@pytest.mark.parametrize("pack", [1, 2, 4])
def test_the_critic_sees_packs_of_real_and_packs_of_generated_samples(space: str, pack: int) -> None:
    at = game("lsgan", space, **plain(space) | {"procedure": {"pack": pack, "critic_steps": 1}})
    seen = seen_by(at.critic)
    real = reals(space)
    latents = draw(at.variant.latent, 8, stream(0, "latents", CPU))
    with torch.no_grad():
        fake = copy.deepcopy(at.generator)(latents)
    at._critic_step(real)
    channels = SPACES[space][2][0]
    (both,) = seen
    assert both.shape == (16 // pack, pack * channels, *SPACES[space][2][1:])
    torch.testing.assert_close(both.reshape(16, *SPACES[space][2]), torch.cat([real, fake]))
    for i in range(8 // pack):
        for j in range(pack):
            assert torch.equal(both[i, j * channels : (j + 1) * channels], real[i * pack + j])
    seen.clear()
    at._generator_step(real)
    assert seen[0].shape == (8 // pack, pack * channels, *SPACES[space][2][1:])


def test_penalties_judge_packs_too() -> None:
    changes = plain("points") | {"penalties": [{"kind": "r1", "weight": 1.0}], "procedure": {"pack": 2}}
    at = game("rpgan", "points", **changes)
    seen = seen_by(at.critic)
    at._critic_step(reals("points"))
    assert [tuple(x.shape) for x in seen] == [(8, 4), (4, 4)]


def test_constraints_hold_after_every_step_of_the_critic() -> None:
    changes = plain("points", "layer") | {"constraints": [{"kind": "clip", "player": "critic", "limit": 0.01}]}
    at, batches = game("lsgan", "points", **changes), Endless("points")
    assert max(weight.abs().max().item() for weight in at.critic.parameters()) > 0.01
    for _ in range(3):
        at.step(batches)  # type: ignore[arg-type]
        layers = [layer for layer in at.critic.modules() if isinstance(layer, nn.Linear)]
        assert max(weight.abs().max().item() for layer in layers for weight in layer.parameters()) <= 0.01 + 1e-9
    norms = [layer for layer in at.critic.modules() if isinstance(layer, nn.LayerNorm)]
    assert all(layer.weight.min() > 0.9 for layer in norms)


# --- the start -----------------------------------------------------------------------------------------------------


def test_players_start_from_streams_of_their_own() -> None:
    """The same generator whatever the critic is: rows of one seed differ by what the rows say."""
    one, other = game("lsgan", "points"), game("lsgan", "points", critic={"width": 5})
    assert same(weights(one.generator), weights(other.generator))
    assert same(weights(one.generator), weights(one.average))
    assert not same(weights(one.generator), weights(game("lsgan", "points", seed=1).generator))
    for name, net in (("generator", one.generator), ("critic", one.critic)):
        part = getattr(one.variant, name)
        with initialised_by(0, name):
            built = part.build(6, (2,)) if name == "generator" else part.build((2,))
        assert same(weights(built), weights(net))
    one, other = game("lsgan", "digits"), game("lsgan", "digits", generator={"width": 5})
    assert same(weights(one.critic), weights(other.critic))


def test_pretrained_weights_are_where_the_critic_starts() -> None:
    start = {name: value + 1 for name, value in weights(game("ebgan", "points").critic).items()}
    at = Game(variant("ebgan", "points"), (2,), RUNTIME, 0, start)
    assert same(weights(at.critic), start)
    assert same(weights(at.generator), weights(game("ebgan", "points").generator))
    at.step(Endless("points"))  # type: ignore[arg-type]
    assert not same(weights(at.critic), start)


@pytest.mark.parametrize(("kind", "low", "variance"), [("normal", None, 1.0), ("uniform", -1.0, 1 / 3)])
def test_latents_have_the_moments_of_their_kind(kind: str, low: float | None, variance: float) -> None:
    latent = Latent.model_validate({"kind": kind, "size": 4})
    z = draw(latent, 20_000, stream(0, "latents", CPU))
    assert z.shape == (20_000, 4)
    assert abs(z.mean().item()) < 5 * (variance / z.numel()) ** 0.5
    assert z.var().item() == pytest.approx(variance, rel=0.03)
    assert (z.min() >= -1 and z.max() < 1) == (low is not None)
    assert torch.equal(z, draw(latent, 20_000, stream(0, "latents", CPU)))


# --- the average ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.9, 0.999])
def test_the_average_is_the_closed_form(decay: float) -> None:
    """decay^k w_0 + (1 - decay) sum of decay^(k - i) w_i, over the generator's steps."""
    at = game("lsgan", "digits", ema=decay, procedure={"critic_steps": 2}, generator_optimizer={"lr": 0.05})
    batches, history = Endless("digits"), [parameters(at.generator)]
    for step in range(1, 13):
        at.step(batches)  # type: ignore[arg-type]
        if step % 2 == 0:
            history.append(parameters(at.generator))
    k = len(history) - 1
    assert k == 6
    for name, value in at.average.named_parameters():
        terms = [(1 - decay) * decay ** (k - i) * history[i][name].double() for i in range(1, k + 1)]
        expected = decay**k * history[0][name].double() + sum(terms)
        torch.testing.assert_close(value.double(), expected, rtol=1e-5, atol=1e-6)
    for (name, kept), new in zip(at.average.named_buffers(), at.generator.buffers(), strict=True):
        assert torch.equal(kept, new), name
    assert not same(parameters(at.average), parameters(at.generator)) or decay == 0


def activations(net: nn.Module, z: Tensor) -> list[Tensor]:
    """What each batch norm makes of the latents in evaluation mode, (N, channels)."""
    found: list[Tensor] = []
    hooks = [
        layer.register_forward_hook(
            lambda module, args, out: found.append(
                ((out.movedim(1, -1) - module.bias) / module.weight).flatten(0, -2).detach()
            )
        )
        for layer in net.modules()
        if isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d))
    ]
    net.eval()
    with torch.no_grad():
        net(z)
    net.train()
    for hook in hooks:
        hook.remove()
    return found


@pytest.mark.parametrize("space", ["convolutions", "digits"])
def test_recalibration_makes_the_averages_statistics_its_own(space: str) -> None:
    # fast steps and a slow average: the statistics that the average copied are those of other weights
    at = game("lsgan", space, ema=0.9, generator_optimizer={"lr": 0.02}, batch=64)
    batches = Endless(space, 64)
    for _ in range(8):
        at.step(batches)  # type: ignore[arg-type]
    net = at.average
    z = draw(at.variant.latent, 4000, stream(7, "fresh", CPU))
    before = activations(net, z)
    assert before
    assert max((x.std(0) - 1).abs().max().item() for x in before) > 0.3
    weights_before, momenta = parameters(net), [getattr(m, "momentum", None) for m in net.modules()]
    torch.manual_seed(0)
    state = torch.get_rng_state()
    sampling.recalibrate(net, at.variant.latent, 64, 0, CPU)
    for x in activations(net, z):
        assert x.mean(0).abs().max() < 0.1
        assert (x.std(0) - 1).abs().max() < 0.1
    assert same(parameters(net), weights_before)
    assert [getattr(m, "momentum", None) for m in net.modules()] == momenta
    assert net.training
    assert torch.equal(torch.get_rng_state(), state)
    again = copy.deepcopy(net)
    sampling.recalibrate(again, at.variant.latent, 64, 0, CPU)
    assert same(weights(again), weights(net))


def test_recalibration_does_nothing_without_batch_norm() -> None:
    at = game("lsgan", "points", generator={"norm": "layer"})
    at.average.eval()
    before, seen = weights(at.average), seen_by(at.average)
    sampling.recalibrate(at.average, at.variant.latent, 8, 0, CPU)
    assert same(weights(at.average), before)
    assert not at.average.training
    assert not seen


# --- precision -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", ROWS)
def test_bfloat16_is_for_the_forward_passes_and_penalties_stay_in_float32(row: str) -> None:
    runtime = Runtime(device="cpu", threads=1, precision="bfloat16")
    at = Game(variant(row, "points", procedure={"critic_steps": 1}), (2,), runtime, 0, None)
    full = game(row, "points", procedure={"critic_steps": 1})
    rough, exact = (one.step(Endless("points")) for one in (at, full))  # type: ignore[arg-type]
    assert set(rough) == set(exact)
    for name, value in rough.items():
        assert value.dtype == torch.float32
        assert value.isfinite()
        assert value.item() == pytest.approx(exact[name].item(), rel=0.2, abs=0.1), name
    assert all(weight.dtype == torch.float32 for net in (at.generator, at.critic) for weight in net.parameters())
    assert any(rough[name] != exact[name] for name in rough)
