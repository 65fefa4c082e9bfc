"""The relativistic average losses by a naive loop, and at the logit between two normals."""

from __future__ import annotations

import math

import pytest
import torch
from objective_cases import batch_of, build

every = pytest.mark.parametrize("loss", ["logistic", "least_squares", "hinge"])


def loss_of_one(loss: str, x: float) -> float:
    return {"logistic": math.log1p(math.exp(-x)), "least_squares": (x - 1) ** 2, "hinge": max(0.0, 1 - x)}[loss]


def naive(loss: str, r: list[float], f: list[float]) -> tuple[list[float], list[float]]:
    """Both losses, sample by sample, from equations 7 to 10 and the tables of the appendix."""
    mean_r, mean_f = sum(r) / len(r), sum(f) / len(f)
    critic, generator = [], []
    for x, y in zip(r, f, strict=True):
        critic.append((loss_of_one(loss, x - mean_f) + loss_of_one(loss, mean_r - y)) / 2)
        generator.append((loss_of_one(loss, mean_f - x) + loss_of_one(loss, y - mean_r)) / 2)
    return critic, generator


@every
@pytest.mark.parametrize("n", [1, 9])
def test_both_losses_are_the_naive_loop(loss: str, n: int) -> None:
    rng = torch.Generator().manual_seed(n)
    r, f = (2 * torch.randn(n, generator=rng, dtype=torch.float64) + shift for shift in (0.5, -1.0))
    critic, generator = (torch.tensor(values, dtype=torch.float64) for values in naive(loss, r.tolist(), f.tolist()))
    objective = build("ragan", loss=loss)
    torch.testing.assert_close(objective.critic(batch_of(r, f)), critic)
    torch.testing.assert_close(objective.generator(batch_of(r, f)), generator)
    torch.testing.assert_close(objective.critic(batch_of(f, r)), generator)  # the two networks exchange roles


@every
def test_at_the_logit_between_two_normals(loss: str) -> None:
    """D = log p / q with p = N(0, 1), q = N(1, 1): r - E f and E r - f are both N(1, 1)."""
    n = 200_000
    normal = torch.distributions.Normal(torch.tensor(0.0, dtype=torch.float64), 1.0)
    x = normal.icdf((torch.arange(n, dtype=torch.float64) + 0.5) / n)
    batch, objective = batch_of(0.5 - x, 0.5 - (x + 1)), build("ragan", loss=loss)
    grid = torch.arange(-9, 11, 0.001, dtype=torch.float64)
    weight = torch.exp(-((grid - 1) ** 2) / 2) * 0.001 / math.sqrt(2 * math.pi)
    logistic = float((weight * torch.log1p(torch.exp(-grid))).sum())
    critic = {"logistic": logistic, "least_squares": 1.0, "hinge": 1 / math.sqrt(2 * math.pi)}[loss]
    # the generator sees N(-1, 1): sp(x) = x + sp(-x), E (x - 2)^2, 2 Phi(2) + phi(2)
    generator = {"logistic": 1 + logistic, "least_squares": 5.0, "hinge": 2 * 0.977250 + 0.053991}[loss]
    assert objective.critic(batch).mean().item() == pytest.approx(critic, abs=2e-4)
    assert objective.generator(batch).mean().item() == pytest.approx(generator, abs=2e-4)


@every
def test_gradients_flow_through_the_means(loss: str) -> None:
    """By finite differences; a mean without gradient would give other numbers."""
    rng = torch.Generator().manual_seed(3)
    r, f = (torch.randn(5, generator=rng, dtype=torch.float64).requires_grad_(True) for _ in range(2))
    objective = build("ragan", loss=loss)
    for of in (objective.critic, objective.generator):
        assert torch.autograd.gradcheck(lambda a, b, of=of: of(batch_of(a, b)).mean(), (r, f))
    # half of the generator's loss is of the reals, and reaches it through the mean of the fakes
    zeros, f = torch.zeros(4), torch.zeros(4, requires_grad=True)
    (gradient,) = torch.autograd.grad(objective.generator(batch_of(zeros, f)).mean(), f)
    expected = {"logistic": 0.5, "least_squares": 2.0, "hinge": 1.0}[loss]
    torch.testing.assert_close(gradient, torch.full((4,), -expected / 4))
