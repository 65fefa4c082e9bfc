"""The penalties on the critic's gradient: at which samples each of them takes it, and which norm it asks for."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from penalty_cases import SHAPES, build, case, linear, normal, rng
from torch import Tensor

from ganpipe.critic import CriticBatch, CriticOutput
from ganpipe.penalties import Penalty


def wgan_gp(**parameters: Any) -> Penalty:
    return build("gradient_penalty", **{"target": 1.0, "one_sided": False, **parameters})


@pytest.mark.parametrize("w", [0.25, 1.0, 3.0])
def test_one_sided_costs_only_above_the_target(w: float) -> None:
    weights = torch.tensor([0.0, w], dtype=torch.float64)
    batch = CriticBatch(normal(4, 2), normal(4, 2, seed=1), linear(weights))
    for target in (1.0, 2.0):
        found = wgan_gp(target=target, one_sided=True)(linear(weights), batch, rng())
        torch.testing.assert_close(found, torch.full_like(found, 10 * max(w - target, 0) ** 2))
        found = wgan_gp(target=target)(linear(weights), batch, rng())
        torch.testing.assert_close(found, torch.full_like(found, 10 * (w - target) ** 2))


def test_target_zero_is_the_zero_centred_penalty() -> None:
    w = normal(12)
    batch = CriticBatch(normal(3, 3, 2, 2), normal(3, 3, 2, 2, seed=1), linear(w))
    for one_sided in (True, False):
        found = wgan_gp(target=0.0, one_sided=one_sided)(linear(w), batch, rng())
        torch.testing.assert_close(found, torch.full_like(found, 10 * float(w.square().sum())))


def between(shape: tuple[int, ...], n: int, seed: int = 0) -> Tensor:
    """The share of the real in each feature of the places where the gradient penalty reads, (N, features)."""
    seen: list[Tensor] = []

    def critic(x: Tensor) -> CriticOutput:
        seen.append(x.detach())
        return CriticOutput(x.flatten(1).sum(1))

    # another real and another fake for every sample: a pair is joined with itself and with no other
    fake = torch.arange(n, dtype=torch.float64).view(n, *(1 for _ in shape)).expand(n, *shape)
    wgan_gp()(critic, CriticBatch(fake + 0.5, fake, critic), rng(seed))
    return (seen[0] - fake).flatten(1) / 0.5


@pytest.mark.parametrize("shape", SHAPES)
def test_gradient_penalty_takes_one_place_between_each_pair(shape: tuple[int, ...]) -> None:
    a = between(shape, 64)
    torch.testing.assert_close(a, a[:, :1].expand_as(a))  # the same for all numbers of a sample
    assert len(set(a[:, 0].tolist())) == 64  # and another for each sample


def test_gradient_penalty_is_uniform_between_real_and_fake() -> None:
    a = between((1,), 20_000)[:, 0].sort().values
    assert a.min() >= 0
    assert a.max() < 1
    uniform = (torch.arange(20_000, dtype=torch.float64) + 0.5) / 20_000
    assert (a - uniform).abs().max() < 1.95 / math.sqrt(20_000)  # Kolmogorov and Smirnov at 0.1 %


def test_one_place_for_the_whole_batch_would_be_seen() -> None:
    """D(x) = x^2 / 2 between 0 and 1: the mean over the samples is E a^2 = 1/3, where one `a` gives a^2."""
    real, fake = torch.ones(4000, 1, dtype=torch.float64), torch.zeros(4000, 1, dtype=torch.float64)
    critic = lambda x: CriticOutput(0.5 * x.square().sum(1))  # noqa: E731
    for seed in range(3):
        found = wgan_gp(target=0.0, weight=1.0)(critic, CriticBatch(real, fake, critic), rng(seed))
        assert found.mean().item() == pytest.approx(1 / 3, abs=5 * math.sqrt(4 / 45 / 4000))


@pytest.mark.parametrize(("kind", "seen", "unseen"), [("r1", "real", "fake"), ("r2", "fake", "real")])
def test_r1_reads_reals_only_and_r2_fakes_only(kind: str, seen: str, unseen: str) -> None:
    _, penalty = case(kind)
    critic = lambda x: CriticOutput(x.pow(3).sum(1) / 3)  # noqa: E731
    samples = {seen: torch.full((4, 1), 2.0), unseen: torch.full((4, 1), math.nan)}
    found = penalty(critic, CriticBatch(samples["real"], samples["fake"], critic), rng())
    torch.testing.assert_close(found, torch.full((4,), 5.0 * 2.0**4))


def test_two_points_at_a_distance_have_the_known_optimal_gradient() -> None:
    """E f - E r + GP over linear critics, real 0 and fake t: the optimum has slope 1 + t / (2 weight)."""
    t, weight = 3.0, 10.0
    real, fake = torch.zeros(1, 1, dtype=torch.float64), torch.full((1, 1), t, dtype=torch.float64)
    w = torch.tensor([-(1 + t / (2 * weight))], dtype=torch.float64, requires_grad=True)
    critic = linear(w)
    batch = CriticBatch(real, fake, critic)
    loss = batch.fake_output.score - batch.real_output.score + wgan_gp(weight=weight)(critic, batch, rng())
    (slope,) = torch.autograd.grad(loss.mean(), w)
    assert slope.item() == pytest.approx(0, abs=1e-12)


def around(shape: tuple[int, ...], n: int, noise_scale: float = 0.5) -> tuple[Tensor, Tensor]:
    """Reals, and how far DRAGAN moves each feature, (N, features), over noise_scale and std."""
    seen: list[Tensor] = []

    def critic(x: Tensor) -> CriticOutput:
        seen.append(x.detach())
        return CriticOutput(x.flatten(1).sum(1))

    real = 3 * normal(n, *shape) - 5
    fake = torch.full_like(real, math.nan)  # not read
    build("dragan", target=1.0, noise_scale=noise_scale)(critic, CriticBatch(real, fake, critic), rng(7))
    return real, (seen[0] - real).flatten(1) / (noise_scale * real.std())


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("noise_scale", [0.5, 2.0])
def test_dragan_perturbs_each_real_by_a_share_of_the_std_of_the_batch(
    shape: tuple[int, ...], noise_scale: float
) -> None:
    """x + a * noise_scale * std * u: u for each number, one `a` for each sample."""
    _, offset = around(shape, 3000, noise_scale)
    assert offset.min() >= 0
    assert offset.max() < 1
    # E a u = 1/4; the product of two numbers of a sample is E a^2 / 4 = 1/12 with one `a`, 1/16 with two
    assert offset.mean().item() == pytest.approx(0.25, abs=0.01)
    together = (offset[:, 0] * offset[:, 1]).mean().item()
    assert together == pytest.approx(1 / 12, abs=0.006)
    # another `a` for each sample: the mean over a sample's numbers varies with it
    if math.prod(shape) > 40:
        assert offset.mean(1).std().item() == pytest.approx(math.sqrt(1 / 12) / 2, abs=0.02)


def test_dragan_scales_with_the_std_of_the_whole_batch_and_not_of_each_number() -> None:
    """Half of the numbers never vary: they are moved as far as the others."""
    seen: list[Tensor] = []

    def critic(x: Tensor) -> CriticOutput:
        seen.append(x.detach())
        return CriticOutput(x.sum(1))

    real = torch.cat([normal(4000, 1), torch.zeros(4000, 1, dtype=torch.float64)], 1)
    build("dragan", target=1.0, noise_scale=0.5)(critic, CriticBatch(real, real, critic), rng())
    moved = (seen[0] - real).mean(0)
    expected = 0.25 * 0.5 * real.std().item()
    assert moved.tolist() == pytest.approx([expected, expected], rel=0.05)
