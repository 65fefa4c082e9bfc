"""Unrolling: gradients through the critic's steps against closed forms and finite differences."""

from __future__ import annotations

from math import log, pi
from typing import Any

import pytest
import torch
from torch import Tensor, nn, optim
from torch.nn.functional import softplus
from training_cases import build, parameters, real_batch, same, trainer, variant, weights

from ganpipe.algorithms._steps import critic_loss
from ganpipe.algorithms._unrolled import unrolled
from ganpipe.critic import CriticBatch, CriticFunction, CriticOutput
from ganpipe.optimizers.adam import Adam

RATE = 0.01


def adam(critic: nn.Module, lr: float = RATE, betas: tuple[float, float] = (0.9, 0.999)) -> optim.Optimizer:
    return Adam(kind="adam", lr=lr, betas=betas).build(critic.parameters())


# ---- what the paper derives ------------------------------------------------------------------------------------------


class Linear(nn.Module):
    """D(x) = a x + b, which the best critic of two Gaussians of one variance is."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = (nn.Parameter(torch.zeros((), dtype=torch.float64)) for _ in range(2))

    def forward(self, x: Tensor) -> CriticOutput:
        return CriticOutput(self.a * x + self.b)


def slope_of_divergence(shift: float) -> float:
    """d/dt of max_D V = 2 JSD(N(0, 1), N(t, 1)) - log 4 by quadrature."""
    x = torch.linspace(-12, 12, 24_001, dtype=torch.float64)
    t = torch.tensor(shift, dtype=torch.float64, requires_grad=True)
    log_p, log_q = (-((x - mean) ** 2) / 2 - log(2 * pi) / 2 for mean in (torch.zeros(()), t))
    log_both = torch.logaddexp(log_p, log_q)
    value = torch.trapezoid(log_p.exp() * (log_p - log_both) + log_q.exp() * (log_q - log_both), x)
    return float(torch.autograd.grad(value, t)[0])


@pytest.mark.parametrize(("shift", "slope"), [(0.5, 0.2353), (1.0, 0.3980), (2.0, 0.4496)])
def test_with_many_steps_the_generator_descends_the_jensen_shannon_divergence(shift: float, slope: float) -> None:
    """The critic starts at 0 and its steps ahead reach the best one."""
    assert slope_of_divergence(shift) == pytest.approx(slope, abs=5e-5)
    normal = torch.distributions.Normal(0.0, 1.0).icdf((torch.arange(2000, dtype=torch.float64) + 0.5) / 2000)
    t, critic = torch.tensor(shift, dtype=torch.float64, requires_grad=True), Linear()

    def loss(at: CriticFunction) -> Tensor:
        return softplus(-at(normal).score).mean() + softplus(at(normal + t).score).mean()

    view = unrolled(critic, loss, adam(critic, 0.05, (0.9, 0.99)), 150)
    assert float(torch.autograd.grad(-loss(view), t, retain_graph=True)[0]) == pytest.approx(slope, abs=5e-4)
    alone = -softplus(view(normal + t).score).mean()  # the term of the fakes
    assert float(torch.autograd.grad(alone, t)[0]) == pytest.approx(slope / 2, abs=2e-3)


class Scores(nn.Module):
    """A score for each of eight values."""

    def __init__(self) -> None:
        super().__init__()
        self.scores = nn.Parameter(torch.zeros(8))

    def forward(self, x: Tensor) -> CriticOutput:
        return CriticOutput(x @ self.scores)


@pytest.mark.parametrize(("steps", "low", "high"), [(0, 0.6, 0.875), (5, 0.0, 0.05)])
def test_a_fast_generator_collapses_without_steps_ahead_and_not_with_them(steps: int, low: float, high: float) -> None:
    """The game of eight numbers: a softmax over 8 values against the uniform one, at rates 4 and .1."""
    logits = torch.randn(8, generator=torch.Generator().manual_seed(0)).requires_grad_(True)
    critic = Scores()
    optimizer, late = adam(critic, 0.1), []

    def loss(at: CriticFunction) -> Tensor:
        scores = at(torch.eye(8)).score
        return softplus(-scores).mean() + (logits.softmax(0) * softplus(scores)).sum()

    for step in range(150):
        optimizer.zero_grad()
        loss(critic).backward()
        optimizer.step()
        (gradient,) = torch.autograd.grad(-loss(unrolled(critic, loss, optimizer, steps)), logits)
        with torch.no_grad():
            logits -= 4 * gradient
        if step >= 100:
            late.append(0.5 * float((logits.softmax(0) - 1 / 8).abs().sum().detach()))
    assert low <= sum(late) / len(late) <= high


# ---- the steps -------------------------------------------------------------------------------------------------------


def loss_of(at: Any, real: Tensor, fake: Tensor, critic: CriticFunction) -> Tensor:
    """What the critic minimises."""
    return critic_loss(at.variant, at.runtime, real, fake, at.loss_state, at.penalty_rng, 0.0, critic)


def norms(norm: str) -> dict[str, Any]:
    """A critic with batch norm, or under spectral norm, which both write on their buffers."""
    critic = {
        "kind": "mlp",
        "width": 8,
        "depth": 2,
        "norm": "batch" if norm == "batch" else "none",
        "output": "score",
        "first_layer_scale": 1.0,
        "bias_spread": 0.0,
    }
    constraints = [{"kind": "spectral_norm", "network": "critic"}] if norm == "spectral" else []
    return {"critic": critic, "constraints": constraints, "penalties": []}


every_norm = pytest.mark.parametrize("norm", ["none", "batch", "spectral"])


@every_norm
def test_no_steps_are_the_critic_itself(norm: str) -> None:
    at = trainer("lsgan", "points", **norms(norm))
    x = real_batch("points")
    before = weights(at.critic)
    view = unrolled(at.critic, lambda c: c(x).score.mean(), at.critic_optimizer, 0)
    found = view(x).score
    assert same(weights(at.critic), before)
    assert torch.equal(found, at.critic(x).score)


@every_norm
@pytest.mark.parametrize("steps", [1, 3])
def test_the_critic_itself_is_not_changed(norm: str, steps: int) -> None:
    at = trainer("rpgan", "points", **norms(norm), algorithm={"unroll_steps": steps})
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
@pytest.mark.parametrize("betas", [(0.0, 0.99), (0.5, 0.999)])
def test_the_steps_are_the_optimizers_own(norm: str, betas: tuple[float, float]) -> None:
    """From its moments on, against a critic that really takes them."""
    optimizer = {"lr": 0.02, "betas": betas}
    at = trainer("lsgan", "points", **norms(norm), critic_optimizer=optimizer)
    for seed in range(3):
        at.critic_step(real_batch("points", seed=seed))
    real, fake = real_batch("points"), real_batch("points", seed=9)
    view = unrolled(at.critic, lambda c: loss_of(at, real, fake, c), at.critic_optimizer, 3)
    found = view(real).score
    for _ in range(3):
        at.critic_optimizer.zero_grad()
        loss_of(at, real, fake, at.critic).backward()
        at.critic_optimizer.step()
    torch.testing.assert_close(found, at.critic(real).score, rtol=1e-4, atol=1e-5)


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

    optimizer = adam(at.critic)
    loss_of(at, real, start, at.critic).backward()
    optimizer.step()

    def value(fake: Tensor) -> Tensor:
        at.penalty_rng.manual_seed(5)
        view = unrolled(at.critic, lambda c: loss_of(at, real, fake, c), optimizer, 2)
        return -at.variant.objective.critic(CriticBatch(real, fake, view)).mean()

    fake = start.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(value(fake), fake)
    slope = (value(start + 1e-6 * direction) - value(start - 1e-6 * direction)).item() / 2e-6
    assert float((gradient * direction).sum()) == pytest.approx(slope, rel=1e-4, abs=1e-8)


@pytest.mark.parametrize("row", ["non_saturating", "rpgan"])
def test_the_generator_descends_both_terms_without_penalties(row: str) -> None:
    """A step of the trainer, whatever the objective's own loss for the generator is."""
    drift = [{"kind": "drift", "weight": 0.5}]
    at = trainer(row, "points", algorithm={"unroll_steps": 2}, penalties=drift)
    at.critic_step(real_batch("points", seed=1))
    real, state = real_batch("points", seed=2), at.latent_rng.get_state()
    fake = at.generate(8)
    view = unrolled(at.critic, lambda c: loss_of(at, real, fake, c), at.critic_optimizer, 2)
    value = -at.variant.objective.critic(CriticBatch(real, fake, view, at.loss_state)).mean()
    expected = torch.autograd.grad(value, list(at.generator.parameters()))
    at.latent_rng.set_state(state)
    metrics = at.generator_step(real)
    torch.testing.assert_close(metrics["generator_loss"], value)
    for weight, gradient in zip(at.generator.parameters(), expected, strict=True):
        torch.testing.assert_close(weight.grad, gradient, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("trained", [False, True])
def test_units_without_a_gradient_stay_and_give_no_nan(trained: bool) -> None:
    """A dead ReLU unit, whose moments are 0, and a weight that the loss does not read."""

    class Dead(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden, self.last, self.unread = nn.Linear(2, 4), nn.Linear(4, 1), nn.Parameter(torch.ones(1))
            with torch.no_grad():
                self.hidden.bias[0] = -100.0

        def forward(self, x: Tensor) -> CriticOutput:
            return CriticOutput(self.last(self.hidden(x).relu())[:, 0])

    torch.manual_seed(0)
    critic, fake = Dead(), real_batch("points").requires_grad_(True)
    optimizer = adam(critic)

    def loss(at: CriticFunction) -> Tensor:
        return softplus(-at(real_batch("points", seed=1)).score).mean() + softplus(at(fake).score).mean()

    if trained:
        loss(critic).backward()
        optimizer.step()
    (gradient,) = torch.autograd.grad(-loss(unrolled(critic, loss, optimizer, 3)), fake)
    assert gradient.isfinite().all()
    assert gradient.abs().sum() > 0


def test_gradients_flow_through_the_unrolled_critics_scores_of_real_samples() -> None:
    at = trainer("rpgan", "points", penalties=[])
    real = real_batch("points")
    for steps in (0, 2):
        fake = at.generator(torch.randn(8, 6, generator=torch.Generator().manual_seed(0)))
        view = unrolled(at.critic, lambda c, fake=fake: loss_of(at, real, fake, c), adam(at.critic), steps)
        real_output = CriticBatch(real, fake, view).real_output.score
        found = torch.autograd.grad(real_output.sum(), list(at.generator.parameters()), allow_unused=True)
        learns = any(gradient is not None and gradient.abs().sum() > 0 for gradient in found)
        assert learns == (steps > 0)


def test_the_critic_ahead_runs_in_the_networks_precision() -> None:
    at = build(variant("unrolled", "points", algorithm={"unroll_steps": 2}), (2,), precision="bfloat16")
    seen = set[torch.dtype]()
    for layer in at.critic.modules():
        if isinstance(layer, nn.Linear):
            layer.register_forward_hook(lambda module, args, output: seen.add(output.dtype))
    at.generator_step(real_batch("points"))
    assert seen == {torch.bfloat16}
    assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in at.generator.parameters())
