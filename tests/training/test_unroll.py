"""Unrolling: gradients through the critic's steps against closed forms and finite differences."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from training_cases import parameters, real_batch, same, trainer, weights

from ganpipe.algorithms._steps import critic_loss
from ganpipe.algorithms._unrolled import Unroll, unrolled
from ganpipe.critic import CriticBatch, CriticFunction, CriticOutput

ONE = torch.ones(1, 1, dtype=torch.float64)


class Dirac(nn.Module):
    """D(x) = d * x."""

    def __init__(self, d: float) -> None:
        super().__init__()
        self.d = nn.Parameter(torch.tensor(d, dtype=torch.float64))

    def forward(self, x: Tensor) -> CriticOutput:
        return CriticOutput(self.d * x[:, 0])


def value(critic: CriticFunction, g: Tensor) -> Tensor:
    """f = g d - d^2 / 2, which the critic maximises."""
    d = critic(ONE).score
    return (g * d - d**2 / 2).sum()


@pytest.mark.parametrize("rate", [0.1, 0.4, 1.0])
@pytest.mark.parametrize("d", [-0.3, 2.0])
def test_one_step_has_the_gradient_by_hand(d: float, rate: float) -> None:
    g, critic = torch.tensor(0.7, dtype=torch.float64, requires_grad=True), Dirac(d)
    view = unrolled(critic, lambda c: -value(c, g), Unroll(steps=1, lr=rate))
    ahead = d + rate * (0.7 - d)
    assert view(ONE).score.item() == pytest.approx(ahead)
    (gradient,) = torch.autograd.grad(value(view, g), g)
    assert gradient.item() == pytest.approx((1 - rate) * ahead + rate * 0.7)
    if rate < 1:  # where the critic ahead is g itself
        assert gradient.item() != pytest.approx(ahead, abs=0.01)  # what a copy without a history would give
    assert critic.d.item() == d
    assert critic.d.grad is None


@pytest.mark.parametrize("steps", [2, 3, 10])
def test_more_steps_have_the_gradient_by_recursion(steps: int) -> None:
    rate, d, slope = 0.3, 2.0, 0.0
    g, critic = torch.tensor(-0.4, dtype=torch.float64, requires_grad=True), Dirac(d)
    view = unrolled(critic, lambda c: -value(c, g), Unroll(steps=steps, lr=rate))
    for _ in range(steps):
        d, slope = d + rate * (-0.4 - d), (1 - rate) * slope + rate
    assert view(ONE).score.item() == pytest.approx(d)
    (gradient,) = torch.autograd.grad(value(view, g), g)
    assert gradient.item() == pytest.approx(d + (-0.4 - d) * slope)


def loss_of(at: Any, real: Tensor, fake: Tensor, critic: CriticFunction) -> Tensor:
    """What the critic minimises."""
    return critic_loss(at.variant, real, fake, at.loss_state, at.penalty_rng, critic)


def norms(norm: str) -> dict[str, Any]:
    """A critic with batch norm, or under spectral norm, which both write on their buffers."""
    critic = {"kind": "mlp", "width": 8, "depth": 2, "norm": "batch" if norm == "batch" else "none", "output": "score"}
    constraints = [{"kind": "spectral_norm", "network": "critic"}] if norm == "spectral" else []
    return {"critic": critic, "constraints": constraints, "penalties": []}


every_norm = pytest.mark.parametrize("norm", ["none", "batch", "spectral"])


@every_norm
def test_no_steps_are_the_critic_itself(norm: str) -> None:
    at = trainer("lsgan", "points", **norms(norm))
    x = real_batch("points")
    before = weights(at.critic)
    view = unrolled(at.critic, lambda c: c(x).score.mean(), Unroll(steps=0, lr=0.1))
    found = view(x).score
    assert same(weights(at.critic), before)
    assert torch.equal(found, at.critic(x).score)


@every_norm
@pytest.mark.parametrize("steps", [1, 3])
def test_the_critic_itself_is_not_changed(norm: str, steps: int) -> None:
    at = trainer("rpgan", "points", **norms(norm), algorithm={"unroll": {"steps": steps, "lr": 0.5}})
    if norm != "none":
        assert dict(at.critic.named_buffers())
    for seed in range(2):
        at.critic_step(real_batch("points", seed=seed))
        before, gradients = weights(at.critic), [weight.grad.clone() for weight in at.critic.parameters()]
        generator = parameters(at.generator)
        at.generator_step(real_batch("points", seed=seed + 2))
        assert same(weights(at.critic), before)  # buffers included
        assert all(torch.equal(w.grad, g) for w, g in zip(at.critic.parameters(), gradients, strict=True))
        assert not same(parameters(at.generator), generator)


@every_norm
def test_unrolling_is_gradient_descent(norm: str) -> None:
    """Against a copy of the critic that really takes them."""
    at = trainer("lsgan", "points", **norms(norm))
    real, fake = real_batch("points"), real_batch("points", seed=9)
    view = unrolled(at.critic, lambda c: loss_of(at, real, fake, c), Unroll(steps=3, lr=0.2))
    found = view(real).score
    taken = torch.optim.SGD(at.critic.parameters(), lr=0.2)
    for _ in range(3):
        taken.zero_grad()
        loss_of(at, real, fake, at.critic).backward()
        taken.step()
    torch.testing.assert_close(found, at.critic(real).score)


PENALTIES: dict[str, list[dict[str, Any]]] = {
    "none": [],
    "gradient_penalty": [{"kind": "gradient_penalty", "weight": 3.0, "target": 1.0, "one_sided": False}],
    "r1 and r2": [{"kind": "r1", "weight": 2.0}, {"kind": "r2", "weight": 2.0}],
    "dragan": [{"kind": "dragan", "weight": 3.0, "target": 1.0, "noise_scale": 0.5}],
    "drift": [{"kind": "drift", "weight": 0.5}],
}


@pytest.mark.parametrize("penalties", PENALTIES)
@pytest.mark.parametrize("row", ["non_saturating", "lsgan", "rpgan"])
def test_the_gradient_for_the_fakes_matches_finite_differences(row: str, penalties: str) -> None:
    """Through all steps, the critic's penalties included: nothing is cut off."""
    at = trainer(row, "points", penalties=PENALTIES[penalties])
    at.critic.double()
    real, start, direction = (real_batch("points", seed=seed).double() for seed in (1, 2, 3))

    def loss(fake: Tensor) -> Tensor:
        at.penalty_rng.manual_seed(5)
        view = unrolled(at.critic, lambda c: loss_of(at, real, fake, c), Unroll(steps=2, lr=0.1))
        return at.variant.objective.generator(CriticBatch(real, fake, view)).mean()

    fake = start.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(loss(fake), fake)
    slope = (loss(start + 1e-6 * direction) - loss(start - 1e-6 * direction)).item() / 2e-6
    assert float((gradient * direction).sum()) == pytest.approx(slope, rel=1e-4, abs=1e-8)


def test_gradients_flow_through_the_unrolled_critics_scores_of_real_samples() -> None:
    at = trainer("rpgan", "points", penalties=[])
    real = real_batch("points")
    for steps in (0, 2):
        fake = at.generator(torch.randn(8, 6, generator=torch.Generator().manual_seed(0)))
        view = unrolled(at.critic, lambda c, fake=fake: loss_of(at, real, fake, c), Unroll(steps=steps, lr=0.1))
        real_output = CriticBatch(real, fake, view).real_output.score
        found = torch.autograd.grad(real_output.sum(), list(at.generator.parameters()), allow_unused=True)
        learns = any(gradient is not None and gradient.abs().sum() > 0 for gradient in found)
        assert learns == (steps > 0)


def test_weights_without_a_part_in_the_loss_stay_as_they_are() -> None:
    class Grown(Dirac):
        def __init__(self, d: float) -> None:
            super().__init__(d)
            self.later = nn.Parameter(torch.tensor(3.0))

    g, critic = torch.tensor(0.7, dtype=torch.float64, requires_grad=True), Grown(1.0)
    view = unrolled(critic, lambda c: -value(c, g), Unroll(steps=2, lr=0.5))
    assert view(ONE).score.item() == pytest.approx(1 + 0.75 * (0.7 - 1))
