"""The penalties on the critic's codes and scores, by hand: pulling-away, drift and feature matching."""

from __future__ import annotations

import math

import pytest
import torch
from penalty_cases import build, normal, rng
from torch import Tensor

from ganpipe.critic import CriticBatch, CriticOutput


def coded(fake: Tensor, real: Tensor | None = None) -> CriticBatch:
    """A batch with these codes."""
    reals, fakes = torch.zeros(len(fake), 1), torch.ones(len(fake), 1)
    return CriticBatch(reals, fakes, lambda x: CriticOutput(x.new_zeros(len(x)), fake if x is fakes else real))


def no_critic(x: Tensor) -> CriticOutput:
    raise AssertionError("this penalty does not run the critic again")


def test_pulling_away_of_orthogonal_and_of_identical_codes() -> None:
    penalty = build("pulling_away", weight=0.1)
    orthogonal = torch.eye(4, 6) * torch.tensor([1.0, 5.0, 0.1, 2.0])[:, None]
    assert penalty(no_critic, coded(orthogonal), rng()).item() == 0
    identical = torch.tensor([[1.0, -2.0, 3.0]]).repeat(5, 1)
    torch.testing.assert_close(penalty(no_critic, coded(identical), rng()), torch.tensor(0.1))
    opposite = identical * torch.tensor([1.0, -1.0, 2.0, -0.5, 3.0])[:, None]  # squared: direction, not sign or length
    torch.testing.assert_close(penalty(no_critic, coded(opposite), rng()), torch.tensor(0.1))


@pytest.mark.parametrize("n", [2, 3, 9])
def test_pulling_away_is_the_double_loop_of_the_paper(n: int) -> None:
    code = normal(n, 7)
    total = 0.0
    for i in range(n):
        for j in range(n):
            if i != j:
                cosine = float(code[i] @ code[j]) / float(code[i].norm() * code[j].norm())
                total += cosine**2
    found = build("pulling_away")(no_critic, coded(code), rng())
    assert found.shape == ()
    assert found.item() == pytest.approx(10 * total / (n * (n - 1)), rel=1e-5)


def test_pulling_away_is_finite_for_codes_of_zeros() -> None:
    code = torch.zeros(3, 4, requires_grad=True)
    found = build("pulling_away")(no_critic, coded(code), rng())
    found.backward()
    assert found.item() == 0
    assert code.grad is not None
    assert code.grad.isfinite().all()


def test_drift_by_hand_is_of_the_reals_only() -> None:
    penalty = build("drift", weight=0.001)
    r, f = torch.tensor([1.0, -2.0, 30.0]), torch.full((3,), math.nan)
    real, fake = torch.zeros(3, 1), torch.ones(3, 1)
    batch = CriticBatch(real, fake, lambda x: CriticOutput(f if x is fake else r))
    torch.testing.assert_close(penalty(no_critic, batch, rng()), torch.tensor([0.001, 0.004, 0.9]))
    swapped = CriticBatch(fake, real, lambda x: CriticOutput(f if x is fake else r))
    assert penalty(no_critic, swapped, rng()).isnan().all()


def test_drift_of_an_ensemble_is_one_value_a_sample() -> None:
    scores = torch.tensor([[1.0, 3.0], [0.0, -2.0]])
    samples = torch.zeros(2, 1)
    batch = CriticBatch(samples, samples.clone(), lambda x: CriticOutput(scores))
    torch.testing.assert_close(build("drift")(no_critic, batch, rng()), torch.tensor([50.0, 20.0]))


def test_feature_matching_by_hand() -> None:
    """Means (2, 0) and (0, 1) of two samples: (4 + 1) / 2 features, whatever the spread around them."""
    real, fake = torch.tensor([[1.0, 5.0], [3.0, -5.0]]), torch.tensor([[-7.0, 1.0], [7.0, 1.0]])
    found = build("feature_matching")(no_critic, coded(fake, real), rng())
    assert found.shape == ()
    assert found.item() == pytest.approx(10 * 2.5)
    assert build("feature_matching")(no_critic, coded(real, real), rng()).item() == 0
    # a mean over the features, and not their sum
    wide = build("feature_matching")(no_critic, coded(fake.repeat(1, 8), real.repeat(1, 8)), rng())
    assert wide.item() == pytest.approx(10 * 2.5)


def test_feature_matching_moves_fakes_towards_reals() -> None:
    penalty = build("feature_matching")
    real, fake = normal(6, 3) + 2, normal(6, 3, seed=1).requires_grad_(True)
    penalty(no_critic, coded(fake, real), rng()).backward()
    assert fake.grad is not None
    # d / d code: 2 (mean fake - mean real) / C / N, times the weight
    expected = 10 * 2 * (fake.detach().mean(0) - real.mean(0)) / 3 / 6
    torch.testing.assert_close(fake.grad, expected.expand(6, 3))
    assert (fake.grad < 0).all()
