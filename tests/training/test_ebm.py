"""The energy-based model: gradient ascent on the critic's score, its negatives, and its step."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from training_cases import (
    SPACES,
    RandomBatches,
    build,
    every_space,
    parameters,
    real_batch,
    same,
    variant,
    weights,
)

from ganpipe.batches import Batch
from ganpipe.config.variant import Variant
from ganpipe.critic import CriticBatch, CriticOutput
from ganpipe.networks.generators.gradient_ascent import GradientAscent
from ganpipe.utils.rng import make_rng

ENERGY: dict[str, Any] = {
    "objective": {"kind": "loss_sensitive", "margin": 1.0, "gamma": 0.1},
    "critic": {"output": "energy"},
}


def row(space: str, **changes: Any) -> Variant:
    whole: dict[str, Any] = {
        "objective": {"kind": "wgan"},
        "generator": {"kind": "gradient_ascent", "steps": 5, "rate": 0.1},
        "algorithm": {"kind": "ebm", "noise": 0.1},
        "latent": {"kind": "uniform", "size": 70},
        "critic_optimizer": {"lr": 0.01},
    }
    return variant("non_saturating", space, **whole | changes)


def trainer(space: str, seed: int = 0, **changes: Any) -> Any:
    return build(row(space, **changes), SPACES[space][2], seed)


def latents(n: int = 16, size: int = 70, seed: int = 0) -> Tensor:
    return torch.rand(n, size, generator=torch.Generator().manual_seed(seed)) * 2 - 1


class Recorder(nn.Module):
    """A critic in the place of another, and what it was asked about in training and while it climbed."""

    def __init__(self, critic: nn.Module) -> None:
        super().__init__()
        self.critic = critic
        self.judged: list[Tensor] = []
        self.climbed: list[Tensor] = []

    def forward(self, x: Tensor) -> CriticOutput:
        (self.judged if self.training else self.climbed).append(x.detach().clone())
        said: CriticOutput = self.critic(x)
        return said


@every_space
def test_more_ascent_steps_give_a_higher_score(space: str) -> None:
    at, z = trainer(space), latents()
    shape, critic = SPACES[space][2], at.critic
    heights = []
    for steps in (1, 2, 5, 10, 20):
        x = GradientAscent(critic, shape, steps, 0.01, 1)(z)
        heights.append(critic(x).score)
    for lower, higher in pairwise(heights):
        assert (higher >= lower).all()
        assert higher.mean() > lower.mean()


# --- a step --------------------------------------------------------------------------------------------------------


@every_space
def test_the_negatives_are_samples_of_the_critic_before_the_step(space: str) -> None:
    """Of the critic as it is before the step, beside reals with noise."""
    at, batches = trainer(space), RandomBatches(space)
    shape = SPACES[space][2]
    starts, noise = make_rng(0, "latents", "cpu"), make_rng(0, "instance noise", "cpu")
    recorder = Recorder(at.critic)
    at.sampler.critic = at.critic = recorder
    for step in range(1, 4):
        z = torch.rand(8, 70, generator=starts) * 2 - 1
        expected = at.sampler(z)
        recorder.climbed.clear()
        recorder.judged.clear()
        at.train_step(batches)
        (both,) = recorder.judged  # reals and finds in one pass
        assert torch.equal(both[8:], expected)
        assert len(recorder.climbed) == 5
        real = real_batch(space, seed=step)
        torch.testing.assert_close(both[:8], real + 0.1 * torch.randn(8, *shape, generator=noise))


@every_space
@pytest.mark.parametrize("energy", [False, True])
def test_the_gradient_step_lowers_the_loss_on_the_same_batch(space: str, energy: bool) -> None:
    changes = ENERGY if energy else {}
    at = trainer(space, **changes, critic_optimizer={"lr": 1e-4})
    recorder = Recorder(at.critic)
    at.sampler.critic = at.critic = recorder
    for _ in range(3):
        recorder.judged.clear()
        before = at.train_step(RandomBatches(space))["critic_loss"]
        (both,) = recorder.judged
        game_now = CriticBatch(both[:8], both[8:], recorder, joint=True)
        after = at.variant.objective.critic(game_now).mean()
        assert after < before


def test_the_gradient_is_that_of_the_objective_with_the_samples_held_constant() -> None:
    at = trainer("points", algorithm={"kind": "ebm", "noise": 0.0})
    z = torch.rand(8, 70, generator=make_rng(0, "latents", "cpu")) * 2 - 1
    found, real = at.sampler(z), real_batch("points", seed=1)
    loss = at.critic(found).score.mean() - at.critic(real).score.mean()
    expected = torch.autograd.grad(loss, list(at.critic.parameters()), allow_unused=True)
    at.train_step(RandomBatches("points"))
    for weight, gradient in zip(at.critic.parameters(), expected, strict=True):
        assert weight.grad is not None
        torch.testing.assert_close(weight.grad, gradient, atol=1e-6, rtol=1e-5)


def test_penalties_and_the_state_of_an_objective_are_in_the_step() -> None:
    plain = trainer("points")
    at = trainer("points", penalties=[{"kind": "r1", "weight": 1.0}, {"kind": "drift", "weight": 0.1}])
    a, b = (g.train_step(RandomBatches("points")) for g in (plain, at))
    assert set(b) == set(a) | {"r1", "drift"}
    assert torch.equal(a["critic_loss"], b["critic_loss"])
    assert not same(weights(plain.critic), weights(at.critic))
    critic = {"kind": "autoencoder", "layers": "dense", "width": 8, "norm": "none", "code": 2}
    at = trainer("points", objective={"kind": "began", "gamma": 1.0, "lambda_k": 0.1}, critic=critic)
    said = [at.train_step(RandomBatches("points")) for _ in range(2)]
    k = 0.0
    for metrics in said:
        k = min(max(k + 0.1 * (metrics["real_score"] - metrics["fake_score"]).item(), 0.0), 1.0)
        assert metrics["k"].item() == pytest.approx(k, rel=1e-5)
    assert k > 0


@every_space
def test_a_step_updates_the_critic_and_its_average(space: str) -> None:
    at = trainer(space, ema=0.1)
    state = torch.get_rng_state()
    assert at.sampler.critic is at.critic
    before, averaged = parameters(at.critic), parameters(at.ema)
    batches = RandomBatches(space)
    metrics = at.train_step(batches)
    assert batches.count == 1
    assert torch.equal(torch.get_rng_state(), state)
    after, now = parameters(at.critic), parameters(at.ema)
    # of a difference of scores the last bias has no gradient
    assert {name for name in after if torch.equal(after[name], before[name])} <= {list(after)[-1]}
    for name, value in now.items():
        old, new = averaged[name], after[name.removeprefix("critic.")]
        torch.testing.assert_close(value, 0.1 * old + 0.9 * new)
    assert set(metrics) == {"critic_loss", "real_score", "fake_score"}
    assert all(value.isfinite() and value.shape == () for value in metrics.values())
    assert not any(weight.requires_grad for weight in at.ema.parameters())


@pytest.mark.parametrize("constraint", ["weight_clipping", "spectral_norm"])
def test_constraints_hold_and_start_from_the_seed(constraint: str) -> None:
    limit = {"limit": 0.01} if constraint == "weight_clipping" else {}
    found = []
    for disturbance in (1, 2):
        torch.manual_seed(disturbance)
        before = torch.get_rng_state()
        at = trainer("points", constraints=[{"kind": constraint, "network": "critic", **limit}])
        assert torch.equal(torch.get_rng_state(), before)
        at.train_step(RandomBatches("points"))
        found.append(weights(at.critic))
    assert same(*found)
    if constraint == "weight_clipping":
        assert max(value.abs().max().item() for value in found[0].values()) <= 0.01 + 1e-9
    fresh = at.algorithm.build_generator(at.variant, (2,))
    fresh.load_state_dict(at.sampler.state_dict())
    assert torch.equal(fresh(latents()), at.sampler(latents()))


def test_it_learns_two_clusters() -> None:
    """Two clusters: samples from noise end in both, and far from the noise in between."""
    changes: dict[str, Any] = {
        "latent": {"kind": "normal", "size": 2},
        "algorithm": {"kind": "ebm", "noise": 0.05},
    }
    gradient_ascent = {"kind": "gradient_ascent", "steps": 10, "rate": 0.1}
    critic = {
        "kind": "mlp",
        "width": 32,
        "depth": 2,
        "norm": "none",
        "output": "score",
        "first_layer_scale": 1.0,
        "bias_spread": 0.0,
    }
    critic |= {"first_layer_scale": 1.0, "bias_spread": 0.0}
    optimizer = {"kind": "adam", "lr": 0.002, "betas": [0.0, 0.99]}
    at = trainer("points", **changes, generator=gradient_ascent, critic=critic, critic_optimizer=optimizer)
    centres = torch.tensor([[-1.0, 0.5], [1.0, -0.5]])

    class Clusters:
        def __next__(self) -> Batch:
            return Batch(centres.repeat(32, 1))

    for _ in range(100):
        at.train_step(Clusters())
    z = torch.randn(500, 2, generator=torch.Generator().manual_seed(0))
    distance = (at.sampler(z)[:, None] - centres).norm(dim=2)
    assert distance.min(1).values.mean() < 0.5 * (z[:, None] - centres).norm(dim=2).min(1).values.mean()
    assert 0.3 < (distance[:, 0] < distance[:, 1]).float().mean() < 0.7
