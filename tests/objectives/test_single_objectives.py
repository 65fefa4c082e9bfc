"""What is known of single objectives alone: their divergences, margins and limits."""

from __future__ import annotations

import math

import pytest
import torch
from objective_cases import EXACT, PEARSON, TV, P, Q, X, batch_of, build, case, density, expected, log_ratio
from torch import Tensor

from ganpipe.critic import CriticBatch, CriticOutput


@pytest.mark.parametrize("kind", ["non_saturating", "rpgan"])
@pytest.mark.parametrize("f", [-50.0, -1e4])
def test_the_generators_gradient_does_not_vanish_where_the_critic_is_sure(kind: str, f: float) -> None:
    _, objective = case(kind)
    score = torch.tensor([f], requires_grad=True)
    objective.generator(batch_of(torch.zeros(1), score)).sum().backward()
    assert score.grad is not None
    assert score.grad.item() == -1


@pytest.mark.parametrize("offset", [0.0, 7.0])
def test_lsgan_with_the_coding_of_equation_8_is_half_the_pearson_divergence(offset: float) -> None:
    """b - c = 1, b - a = 2: the integral of (p + q)(D - c)^2 is that of (p - q)^2 / (p + q)."""
    objective = build("lsgan", real=1.0 + offset, fake=-1.0 + offset, target=offset)

    def best(x: Tensor) -> Tensor:
        return torch.tanh(log_ratio(x) / 2) + offset  # (b p + a q) / (p + q)

    on_both = expected(objective.generator, best, q=Q) + expected(objective.generator, best, q=P)
    assert on_both == pytest.approx(PEARSON / 2, abs=1e-6)
    assert expected(objective.critic, best) == pytest.approx(1 - PEARSON / 2, abs=1e-6)


def test_wgan_of_two_widths() -> None:
    """N(0, 1) against N(0, 4) is sqrt(2 / pi); here both are half as wide, to fit on the grid."""
    _, objective = case("wgan")
    centre = X - 0.5
    p, q = density(centre, 0.0, 0.5), density(centre, 0.0, 1.0)
    found = expected(objective.critic, lambda x: -(x - 0.5).abs(), p, q)
    assert found == pytest.approx(-math.sqrt(2 / math.pi) / 2, abs=EXACT)


@pytest.mark.parametrize("distance", [0.25, 3.0])
def test_wgan_of_parallel_lines_is_their_distance_where_the_jsd_is_log_2(distance: float) -> None:
    real = torch.stack([torch.zeros(64), torch.linspace(0, 1, 64)], 1)
    fake = real + torch.tensor([distance, 0.0])
    _, wgan = case("wgan")
    batch = CriticBatch(real, fake, lambda x: CriticOutput(-x[:, 0]))
    assert wgan.critic(batch).mean().item() == pytest.approx(-distance)
    _, logit = case("non_saturating")
    apart = CriticBatch(real, fake, lambda x: CriticOutput(200 * (distance / 2 - x[:, 0]) / distance))
    assert logit.critic(apart).mean().item() == pytest.approx(0, abs=1e-6)  # 2 log 2 - 2 JSD with JSD = log 2


def test_ebgan_hinges_each_sample_before_the_mean() -> None:
    _, objective = case("ebgan")
    energies = torch.tensor([0.0, 1.4])
    losses = objective.critic(batch_of(torch.zeros(2), energies))
    torch.testing.assert_close(losses, torch.tensor([0.7, 0.0]))
    assert losses.mean() > torch.relu(0.7 - energies.mean())


def test_ebgan_says_how_many_samples_its_hinge_acts_on() -> None:
    """Margin 0.7: the share whose energy gets a gradient from the critic's loss."""
    _, objective = case("ebgan")
    energies = torch.tensor([0.0, 0.69, 0.71, 5.0, 0.3], requires_grad=True)
    batch = batch_of(torch.zeros(5), energies)
    objective.critic(batch).sum().backward()
    assert energies.grad is not None
    active = objective.metrics(batch)["active_hinge"]
    assert active.item() == pytest.approx(0.6)
    assert active == (energies.grad != 0).float().mean()
    assert not active.requires_grad


def test_ebgan_scales_with_the_margin_and_is_the_margin_at_equilibrium() -> None:
    """Zhao et al.: V = m where p = q, for every critic whose energy is the same everywhere and at most m."""
    for margin in (0.1, 1.0, 20.0):
        objective = build("ebgan", margin=margin)
        best = expected(objective.critic, lambda x, m=margin: m * (x > 0.5))
        assert best / margin == pytest.approx(1 - TV, abs=EXACT)
        energy = torch.full((4,), 0.3 * margin)
        torch.testing.assert_close(objective.critic(batch_of(energy, energy)), torch.full((4,), margin))


def test_loss_sensitive_margin_by_hand() -> None:
    """Distances 1, 0.5 and 0 as the mean over four pixels; margin 2, weight 0.5."""
    objective = build("loss_sensitive", margin=2.0, gamma=0.5)
    real = torch.zeros(3, 1, 2, 2)
    fake = torch.tensor([[1.0, -1.0, 1.0, -1.0], [-2.0, 0.0, 0.0, 0.0], [0.0] * 4]).view(3, 1, 2, 2)
    r, f = torch.tensor([1.0, 3.0, 0.25]), torch.tensor([2.0, 9.0, 0.0])
    batch = CriticBatch(real, fake, lambda x: CriticOutput(f if x is fake else r))
    # relu(2 + 1 - 2) + .5, relu(1 + 3 - 9) + 1.5, relu(0 + .25 - 0) + .125
    torch.testing.assert_close(objective.critic(batch), torch.tensor([1.5, 1.5, 0.375]))
    torch.testing.assert_close(objective.generator(batch), f)


def test_loss_sensitive_margin_does_not_depend_on_the_size_of_the_images() -> None:
    _, objective = case("loss_sensitive")
    for side in (8, 64):
        real, fake = torch.zeros(1, 1, side, side), torch.full((1, 1, side, side), 0.4)
        loss = objective.critic(CriticBatch(real, fake, lambda x: CriticOutput(x.new_zeros(1))))
        assert loss.item() == pytest.approx(2.5 * 0.4, rel=1e-5)


@pytest.mark.parametrize("margin", [0.5, 2.5])
def test_gls_at_both_ends_of_its_slope(margin: float) -> None:
    """Slope 0 is Loss-Sensitive GAN of L = -score, slope 1 is WGAN plus the mean distance."""
    rng = torch.Generator().manual_seed(0)
    real, fake = (torch.randn(64, 1, 3, 3, generator=rng, dtype=torch.float64) for _ in range(2))
    scores = {id(x): 3 * torch.randn(64, generator=rng, dtype=torch.float64) for x in (real, fake)}
    ours = CriticBatch(real, fake, lambda x: CriticOutput(scores[id(x)]))
    energies = CriticBatch(real, fake, lambda x: CriticOutput(-scores[id(x)]))
    generalized = [build("gls", margin=margin, slope=slope) for slope in (0.0, 0.3, 1.0)]
    ends = generalized[0], generalized[2]
    sensitive, wgan = build("loss_sensitive", margin=margin, gamma=0.0), build("wgan")
    torch.testing.assert_close(ends[0].critic(ours), sensitive.critic(energies))
    torch.testing.assert_close(ends[0].generator(ours), sensitive.generator(energies))
    distance = (real - fake).abs().mean((1, 2, 3))
    torch.testing.assert_close(ends[1].critic(ours), wgan.critic(ours) + margin * distance)
    torch.testing.assert_close(ends[1].generator(ours), wgan.generator(ours))
    # between them the line below 0 has that slope, and what is above is the same
    low, mid, high = (objective.critic(ours) for objective in generalized)
    assert 0 < int((high < 0).sum()) < 64
    torch.testing.assert_close(mid, torch.where(high < 0, 0.3 * high, low))


@pytest.mark.parametrize("f", [-1.0, -20.0])
def test_minimax_generators_gradient_vanishes_where_the_critic_is_sure(f: float) -> None:
    _, objective = case("minimax")
    score = torch.tensor([f], requires_grad=True)
    objective.generator(batch_of(torch.zeros(1), score)).sum().backward()
    assert score.grad is not None
    assert -score.grad.item() == pytest.approx(1 / (1 + math.exp(-f)), rel=1e-5)


def test_hinge_is_0_beyond_its_margins() -> None:
    _, objective = case("hinge")
    r, f = torch.tensor([1.5, 1.0, 0.5]), torch.tensor([-3.0, -1.0, -0.5])
    torch.testing.assert_close(objective.critic(batch_of(r, f)), torch.tensor([0.0, 0.0, 1.0]))
