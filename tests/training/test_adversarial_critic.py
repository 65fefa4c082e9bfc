"""The two-player game: what the critic sees in a step, jointly and in packs, and what holds after it."""

from __future__ import annotations

import copy

import pytest
import torch
from ganpipe.training.adversarial import draw
from ganpipe.training.streams import stream
from torch import nn
from training_games import CPU, SPACES, Endless, every_space, game, plain, reals, seen_by

from ganpipe.game import Round


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
    assert equal == (not at.variant.critic.uses_batch_stats) == (norm != "batch")


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
    changes = plain("points", "layer") | {
        "constraints": [{"kind": "weight_clipping", "player": "critic", "limit": 0.01}]
    }
    at, batches = game("lsgan", "points", **changes), Endless("points")
    assert max(weight.abs().max().item() for weight in at.critic.parameters()) > 0.01
    for _ in range(3):
        at.step(batches)  # type: ignore[arg-type]
        layers = [layer for layer in at.critic.modules() if isinstance(layer, nn.Linear)]
        assert max(weight.abs().max().item() for layer in layers for weight in layer.parameters()) <= 0.01 + 1e-9
    norms = [layer for layer in at.critic.modules() if isinstance(layer, nn.LayerNorm)]
    assert all(layer.weight.min() > 0.9 for layer in norms)
