"""Penalties that keep a state, or that take the critic's slope from its scores, against closed forms."""

from __future__ import annotations

from collections.abc import Callable
from math import log, sqrt

import pytest
import torch
from penalty_cases import build, normal, rng
from torch import Tensor

from ganpipe.critic import CriticBatch, CriticOutput

CPU = torch.device("cpu")


def scored(real: list[float], fake: list[float]) -> CriticBatch:
    return CriticBatch(*(torch.tensor(values)[:, None] for values in (real, fake)), lambda x: CriticOutput(x[:, 0]))


# --- LeCam ----------------------------------------------------------------------------------------------------------


def test_lecam_draws_scores_to_the_averages_of_the_other_ones() -> None:
    batch, penalty = scored([1.0, 2.0], [-1.0, 3.0]), build("lecam", decay=0.9)
    batch.loss_state = {"lecam_real": torch.tensor(0.5), "lecam_fake": torch.tensor(-2.0)}
    expected = [10 * ((1 + 2) ** 2 + (-1 - 0.5) ** 2), 10 * ((2 + 2) ** 2 + (3 - 0.5) ** 2)]
    assert penalty(batch._critic, batch, rng()).tolist() == pytest.approx(expected)


def test_its_averages_start_at_0_and_move_by_hand() -> None:
    batch, penalty = scored([1.0, 2.0], [-1.0, 3.0]), build("lecam", decay=0.9)
    batch.loss_state = penalty.initial_state(CPU)
    for real, fake in ((0.0, 0.0), (0.15, 0.1), (0.285, 0.19)):
        found = {name: value.item() for name, value in batch.loss_state.items()}
        assert found == pytest.approx({"lecam_real": real, "lecam_fake": fake})
        batch.loss_state = penalty.next_state(batch)


# --- R1 by a difference of scores -----------------------------------------------------------------------------------


@pytest.mark.parametrize("at", ["real", "fake"])
def test_the_difference_of_two_scores_has_the_expectation_of_r1_but_for_a_known_bias(at: str) -> None:
    """D(x) = w x + x H x / 2: weight / 2 |w + H x|^2, and weight / 8 sigma^2 (tr(H)^2 + 2 tr(H^2))."""
    w, h, n, sigma = normal(3), normal(3, 3, seed=1), 400_000, 0.5
    h = h + h.T

    def critic(x: Tensor) -> CriticOutput:
        return CriticOutput(x @ w + 0.5 * ((x @ h) * x).sum(1))

    x = normal(3, seed=2)
    same, other = x.expand(n, 3), torch.full((n, 3), torch.nan, dtype=torch.float64)
    batch = CriticBatch(*((same, other) if at == "real" else (other, same)), critic)
    found = build("approximate_r1", at=at, sigma=sigma)(critic, batch, rng())
    exact = 5 * float((w + h @ x).square().sum())
    bias = 10 / 8 * sigma**2 * float(h.trace() ** 2 + 2 * (h @ h).trace())
    error = float(found.std()) / sqrt(n)
    assert bias > 20 * error
    assert float(found.mean()) == pytest.approx(exact + bias, abs=4 * error)


# --- quantities that are held at 1 ----------------------------------------------------------------------------------

# p = 1 and q = 2 x on [0, 1], by the quantiles of each
U = (torch.arange(4000, dtype=torch.float64) + 0.5) / 4000
REAL, FAKE = U[:, None], U.sqrt()[:, None]
MIXTURE = (1 + 2 * U) / 2
SOBOLEV = float(((U**2 - U) ** 2 / MIXTURE).mean().sqrt())
FORMS: dict[str, tuple[float, Callable[[Tensor], Tensor]]] = {
    # (p - q) / ((p + q) / 2) over its norm
    "fisher": (sqrt(4 * log(3) - 4), lambda x: (1 - 2 * x) / ((1 + 2 * x) / 2)),
    # of slope (Q - P) / ((p + q) / 2) over its norm, P = x and Q = x^2
    "sobolev": (SOBOLEV, lambda x: x**2 / 2 - 1.5 * x + 0.75 * torch.log(1 + 2 * x)),
}


@pytest.mark.parametrize("kind", FORMS)
def test_the_best_critic_is_stationary_with_half_the_distance_as_multiplier(kind: str) -> None:
    distance, form = FORMS[kind]
    scale, wave = (torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in (1.0, 0.0))

    def critic(x: Tensor) -> CriticOutput:
        return CriticOutput(scale * form(x[:, 0]) / distance + wave * torch.sin(3 * x[:, 0]))

    penalty = build(kind)
    batch = CriticBatch(REAL, FAKE, critic, {f"{kind}_multiplier": torch.tensor(distance / 2, dtype=torch.float64)})
    loss = batch.fake_output.score.mean() - batch.real_output.score.mean()
    assert loss.item() == pytest.approx(-distance, rel=1e-4)
    value = penalty(critic, batch, rng())
    assert value.item() == pytest.approx(0, abs=1e-4)
    slopes = torch.autograd.grad(loss + value, (scale, wave))
    assert [slope.item() for slope in slopes] == pytest.approx([0, 0], abs=1e-3)


@pytest.mark.parametrize("kind", FORMS)
def test_the_multiplier_climbs_what_is_above_1(kind: str) -> None:
    penalty = build(kind)

    def critic(x: Tensor) -> CriticOutput:  # of second moment and mean squared slope 9
        return CriticOutput(3 * x[:, 0])

    ones = torch.tensor([[1.0], [-1.0]], dtype=torch.float64)
    batch = CriticBatch(ones, ones, critic, penalty.initial_state(CPU))
    assert penalty(critic, batch, rng()).item() == pytest.approx(10 / 2 * 8**2)
    assert penalty.next_state(batch)[f"{kind}_multiplier"].item() == pytest.approx(10 * 8)
