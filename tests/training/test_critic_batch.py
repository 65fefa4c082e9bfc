"""Real and generated samples before the critic: joint forward passes, packs, and gradients at the samples."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from training_cases import (
    CPU,
    SPACES,
    bare,
    every_space,
    inputs_of,
    real_batch,
    trainer,
)

from ganpipe.algorithms._steps import autocast_critic, critic_batch, penalty_terms
from ganpipe.critic import CriticBatch, input_gradient
from ganpipe.utils.rng import make_rng


@every_space
@pytest.mark.parametrize(("norm", "sizes"), [("none", [16]), ("layer", [16]), ("batch", [8, 8])])
def test_one_forward_pass_of_the_critic_where_no_layer_couples_samples(space: str, norm: str, sizes: list[int]) -> None:
    at = trainer("lsgan", space, **bare(space, norm))
    for layer in at.critic.modules():
        if isinstance(layer, (nn.Linear, nn.Conv2d)):
            layer.weight.data.mul_(10)
    real, fake = real_batch(space), 0.3 * real_batch(space, seed=1)
    one, two = CriticBatch(real, fake, at.critic, joint=True), CriticBatch(real, fake, at.critic)
    outputs = ((one.real_output.score, two.real_output.score), (one.fake_output.score, two.fake_output.score))
    assert all(torch.allclose(a, b, rtol=1e-4, atol=1e-5) for a, b in outputs) == (norm != "batch")
    seen = inputs_of(at.critic)
    at.critic_step(real)
    assert [len(x) for x in seen] == sizes
    seen.clear()
    at.generator_step(real)
    assert [len(x) for x in seen] == [8]  # the fakes alone: the loss does not read D(x)


def test_codes_are_split_as_scores_are() -> None:
    at = trainer("ebgan", "points")
    real, fake = real_batch("points", 5), real_batch("points", 3, 1)
    one, two = CriticBatch(real, fake, at.critic, joint=True), CriticBatch(real, fake, at.critic)
    for a, b in ((one.real_output, two.real_output), (one.fake_output, two.fake_output)):
        torch.testing.assert_close(a.code, b.code)
        torch.testing.assert_close(a.score, b.score)


@every_space
@pytest.mark.parametrize("pack", [1, 2, 4])
def test_the_critic_and_its_penalties_see_packs(space: str, pack: int) -> None:
    penalty = {"penalties": [{"kind": "r1", "weight": 1.0}]}
    at = trainer("lsgan", space, **bare(space) | penalty | {"algorithm": {"pack": pack, "critic_steps": 1}})
    seen, made = inputs_of(at.critic), list[Tensor]()
    at.generator.register_forward_hook(lambda module, args, out: made.append(out.detach()))
    real, channels, shape = real_batch(space), SPACES[space][2][0], SPACES[space][2]
    at.critic_step(real)
    both = torch.cat(seen)  # R1 shares the pass of the reals
    assert both.shape == (16 // pack, pack * channels, *shape[1:])
    assert torch.equal(both.reshape(16, *shape), torch.cat([real, made[0]]))
    assert torch.equal(both[0, -channels:], real[pack - 1])


@pytest.mark.parametrize(("kinds", "passes"), [([], 1), (["r1"], 2), (["r2"], 2), (["r1", "r2"], 1)])
def test_slope_penalties_share_the_forward_pass_of_the_loss(kinds: list[str], passes: int) -> None:
    at = trainer("rpgan", "points", penalties=[{"kind": kind, "weight": 3.0} for kind in kinds])
    at.critic.double()
    real, fake = real_batch("points").double(), real_batch("points", seed=1).double()
    seen = inputs_of(at.critic)
    batch = critic_batch(at.variant, real, fake, at.critic, {})
    found = penalty_terms(at.variant, "critic", at.critic, batch, make_rng(0, "penalties", CPU), 0.0)
    loss = at.variant.objective.critic(batch).mean()
    assert len(seen) == passes
    points = {"r1": real, "r2": fake}
    apart = {kind: 1.5 * input_gradient(at.critic, points[kind]).square().sum(1).mean() for kind in kinds}
    torch.testing.assert_close(found, apart)
    weights = list(at.critic.parameters())[:-1]  # no gradient of an input depends on the last bias
    shared = torch.autograd.grad(loss + sum(found.values()), weights, retain_graph=True)
    expected = torch.autograd.grad(loss + sum(apart.values()), weights)
    torch.testing.assert_close(shared, expected)


def test_slope_penalties_in_bfloat16_are_near_those_in_float64() -> None:
    """The critic's pass runs in bfloat16, of 8 significant bits; the norm of the gradient in float32."""
    kinds = (
        {"kind": "r1", "weight": 1.0},
        {"kind": "gradient_penalty", "weight": 10.0, "target": 1.0, "one_sided": False},
    )
    at = trainer("wgan", "digits", constraints=[], penalties=list(kinds))
    for weight in at.critic.parameters():
        weight.data.mul_(2)  # slopes far from 0 and from the target
    real, fake = real_batch("digits", 64), 0.3 * real_batch("digits", 64, seed=1)
    low = autocast_critic(at.critic, at.runtime.model_copy(update={"precision": "bfloat16"}))
    values = []
    for critic, dtype in ((low, torch.float32), (at.critic, torch.float64)):
        at.critic.to(dtype)
        batch = critic_batch(at.variant, real.to(dtype), fake.to(dtype), critic, {})
        found = penalty_terms(at.variant, "critic", critic, batch, make_rng(0, "penalties", CPU), 0.0)
        assert all(term.dtype is dtype for term in found.values())
        values.append(torch.stack([term.double() for term in found.values()]))
    torch.testing.assert_close(*values, rtol=0.02, atol=0)
