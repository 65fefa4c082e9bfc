"""The relativistic average losses by a naive loop, and at the logit between two normals."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from ganpipe.game import Judgement, Round
from ganpipe.objectives.ragan import RaGAN

FORMS = ("logistic", "least_squares", "hinge")
every = pytest.mark.parametrize("form", FORMS)


def build(form: str) -> RaGAN:
    return RaGAN.model_validate({"kind": "ragan", "form": form})


def game_of(r: Tensor, f: Tensor) -> Round:
    real, fake = torch.zeros(len(r), 1), torch.ones(len(f), 1)
    return Round(real, fake, lambda x: Judgement(f if x is fake else r))


def loss_of_one(form: str, x: float) -> float:
    return {"logistic": math.log1p(math.exp(-x)), "least_squares": (x - 1) ** 2, "hinge": max(0.0, 1 - x)}[form]


def naive(form: str, r: list[float], f: list[float]) -> tuple[list[float], list[float]]:
    """Both losses, sample by sample, from equations 7 to 10 and the tables of the appendix."""
    mean_r, mean_f = sum(r) / len(r), sum(f) / len(f)
    critic, generator = [], []
    for x, y in zip(r, f, strict=True):
        critic.append((loss_of_one(form, x - mean_f) + loss_of_one(form, mean_r - y)) / 2)
        generator.append((loss_of_one(form, mean_f - x) + loss_of_one(form, y - mean_r)) / 2)
    return critic, generator


@every
@pytest.mark.parametrize("n", [1, 2, 9])
def test_both_losses_are_the_naive_loop(form: str, n: int) -> None:
    rng = torch.Generator().manual_seed(n)
    r, f = (2 * torch.randn(n, generator=rng, dtype=torch.float64) + shift for shift in (0.5, -1.0))
    critic, generator = naive(form, r.tolist(), f.tolist())
    found = build(form).critic(game_of(r, f)), build(form).generator(game_of(r, f))
    assert found[0].shape == found[1].shape == (n,)
    torch.testing.assert_close(found[0], torch.tensor(critic, dtype=torch.float64))
    torch.testing.assert_close(found[1], torch.tensor(generator, dtype=torch.float64))


@every
def test_real_and_fake_swapped_turn_one_loss_into_the_other(form: str) -> None:
    rng = torch.Generator().manual_seed(0)
    r, f = torch.randn(8, generator=rng) + 1, torch.randn(8, generator=rng) - 1
    objective = build(form)
    torch.testing.assert_close(objective.critic(game_of(f, r)), objective.generator(game_of(r, f)))
    assert objective.critic(game_of(r, f)).mean() < objective.critic(game_of(f, r)).mean() - 0.1


@every
def test_a_critic_that_says_nothing_has_the_known_loss(form: str) -> None:
    at = {"logistic": math.log(2), "least_squares": 1.0, "hinge": 1.0}[form]
    for level in (0.0, 7.0):  # only differences count
        nothing = torch.full((3,), level)
        for loss in (build(form).critic, build(form).generator):
            torch.testing.assert_close(loss(game_of(nothing, nothing)), torch.full((3,), at))


@every
def test_at_the_logit_between_two_normals(form: str) -> None:
    """D = log p / q with p = N(0, 1), q = N(1, 1): r - E f and E r - f are both N(1, 1)."""
    n = 200_000
    normal = torch.distributions.Normal(torch.tensor(0.0, dtype=torch.float64), 1.0)
    x = normal.icdf((torch.arange(n, dtype=torch.float64) + 0.5) / n)
    game = game_of(0.5 - x, 0.5 - (x + 1))
    grid = torch.arange(-9, 11, 0.001, dtype=torch.float64)
    weight = torch.exp(-((grid - 1) ** 2) / 2) * 0.001 / math.sqrt(2 * math.pi)
    logistic = float((weight * torch.log1p(torch.exp(-grid))).sum())
    critic = {"logistic": logistic, "least_squares": 1.0, "hinge": 1 / math.sqrt(2 * math.pi)}[form]
    # the generator sees N(-1, 1): sp(x) = x + sp(-x), E (x - 2)^2, 2 Phi(2) + phi(2)
    hinge = 2 * 0.977250 + 0.053991
    generator = {"logistic": 1 + logistic, "least_squares": 5.0, "hinge": hinge}[form]
    assert build(form).critic(game).mean().item() == pytest.approx(critic, abs=2e-4)
    assert build(form).generator(game).mean().item() == pytest.approx(generator, abs=2e-4)


@every
def test_gradients_flow_through_the_means(form: str) -> None:
    """By finite differences; a mean without gradient would give other numbers."""
    rng = torch.Generator().manual_seed(3)
    r, f = (torch.randn(5, generator=rng, dtype=torch.float64) for _ in range(2))
    for name in ("critic", "generator"):
        loss = getattr(build(form), name)
        leaves = [r.clone().requires_grad_(True), f.clone().requires_grad_(True)]
        found = torch.autograd.grad(loss(game_of(*leaves)).mean(), leaves)
        detached = []
        for side in range(2):
            for i in range(5):
                ends = []
                for step in (1e-6, -1e-6):
                    moved = [r.clone(), f.clone()]
                    moved[side][i] += step
                    ends.append(loss(game_of(*moved)).mean().item())
                assert found[side][i].item() == pytest.approx((ends[0] - ends[1]) / 2e-6, abs=1e-7)
        # each side's own term alone, the other mean held fixed
        a = (leaves[0] - f.mean()).detach().requires_grad_(True)
        sign = 1 if name == "critic" else -1
        (detached_r,) = torch.autograd.grad(0.5 * build(form)._loss(sign * a).mean(), a)
        detached.append(detached_r)
        assert not torch.allclose(found[0], detached[0])


@every
@pytest.mark.parametrize("r", [-1e4, 0.0, 1e4])
@pytest.mark.parametrize("f", [-1e4, 0.0, 1e4])
def test_value_and_gradient_stay_finite(form: str, r: float, f: float) -> None:
    scores = [torch.full((2,), value, requires_grad=True) for value in (r, f)]
    for loss in (build(form).critic, build(form).generator):
        value = loss(game_of(*scores)).sum()
        assert value.isfinite()
        assert all(gradient.isfinite().all() for gradient in torch.autograd.grad(value, scores))


@every
def test_the_generator_gets_a_gradient_from_the_reals_as_well(form: str) -> None:
    """Jolicoeur-Martineau: half of the generator's loss is of the reals, and reaches it through the mean of fakes."""
    r, f = torch.zeros(4), torch.zeros(4, requires_grad=True)
    game = game_of(r, f)
    build(form).generator(game).mean().backward()
    assert "on_real" in vars(game)
    assert f.grad is not None
    # each half pulls with half of the slope of the loss at 0
    slope = {"logistic": 0.5, "least_squares": 2.0, "hinge": 1.0}[form]
    torch.testing.assert_close(f.grad, torch.full((4,), -slope / 4))
