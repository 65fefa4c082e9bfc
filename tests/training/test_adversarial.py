"""The two-player game: who moves in a step, where it starts, and what makes two runs the same run."""

from __future__ import annotations

import pytest
import torch
from ganpipe.training.adversarial import Game, draw
from ganpipe.training.batches import Space, packed
from ganpipe.training.streams import initialised_by, stream
from training_games import (
    CPU,
    ROWS,
    RUNTIME,
    SPACES,
    Endless,
    every_space,
    game,
    parameters,
    plain,
    reals,
    same,
    variant,
    weights,
)

from ganpipe.game import Round
from ganpipe.training import sampling
from ganpipe.variant import Latent

every_row = pytest.mark.parametrize("row", ROWS)
dense = pytest.mark.parametrize("space", ["digits", "points"])


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
        meet = Round if player == "generator" or chosen.critic.uses_batch_stats else Round.joint
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


# --- precision -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", ROWS)
def test_bfloat16_is_for_the_forward_passes_and_penalties_stay_in_float32(row: str) -> None:
    runtime = RUNTIME.model_copy(update={"precision": "bfloat16"})
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
