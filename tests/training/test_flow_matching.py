"""Flow matching against closed forms: data N(m, s^2) in one dimension and noise N(0, 1).

Every line through x_t is one of two Gaussians, so that E[x - z | x_t] is linear in x_t and the flow is z -> m + s z.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from training_cases import CPU, trainer

from ganpipe.algorithms.flow_matching import between
from ganpipe.batches import Batches, DataTransform
from ganpipe.networks.generators.flow import Flow

M, S = 1.5, 0.5


class Exact(nn.Module):
    """E[x - z | x_t = y] = m + (t s^2 - (1 - t)) / ((1 - t)^2 + t^2 s^2) (y - t m), and how often it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def forward(self, y: Tensor, t: Tensor) -> Tensor:
        self.count += 1
        t = t[:, None]
        return M + (t * S**2 - (1 - t)) / ((1 - t) ** 2 + t**2 * S**2) * (y - t * M)


class Growth(nn.Module):
    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        return x


def randn(n: int, seed: int = 0) -> Tensor:
    return torch.randn(n, 1, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("time", [0.0, 0.3, 0.8])
def test_the_regression_on_lines_through_a_point_is_the_exact_velocity(time: float) -> None:
    z, x = randn(200_000), M + S * randn(200_000, 1)
    y = between(z, x, t := torch.full((len(z),), time, dtype=torch.float64))
    ones = torch.ones_like(y)
    slope, intercept = torch.linalg.lstsq(torch.cat([y, ones], 1), x - z).solution.flatten().tolist()
    exact = Exact()(torch.tensor([[0.0], [1.0]]), t[:2]).flatten().tolist()
    assert [intercept, intercept + slope] == pytest.approx(exact, abs=0.02)


@pytest.mark.parametrize("evaluations", [1, 2, 4, 64])
def test_a_sample_costs_so_many_evaluations(evaluations: int) -> None:
    flow = Flow(exact := Exact(), (1,), evaluations)
    flow(torch.randn(3, 2))
    assert exact.count == evaluations


def test_the_exact_velocity_carries_noise_to_the_data() -> None:
    """The error falls with the cube of the steps: between Gaussians the term of their square is 0."""
    z = randn(1000)
    errors = [(Flow(Exact(), (1,), n)(z) - (M + S * z)).abs().max().item() for n in (16, 32, 64)]
    assert errors[2] < 1e-4
    assert errors[0] / errors[1] == pytest.approx(8, rel=0.05)
    assert errors[1] / errors[2] == pytest.approx(8, rel=0.05)


def test_the_error_of_another_flow_falls_with_the_square_of_the_steps() -> None:
    """dx/dt = x, of which a midpoint step of length h is the factor 1 + h + h^2 / 2, and the exact one e^h."""
    z, errors = torch.ones(1, 1, dtype=torch.float64), []
    for steps in (8, 16, 32):
        factor = Flow(Growth(), (1,), 2 * steps)(z).item()
        assert factor == pytest.approx((1 + 1 / steps + 0.5 / steps**2) ** steps, rel=1e-12)
        errors.append(math.e - factor)
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.1)
    assert errors[1] / errors[2] == pytest.approx(4, rel=0.05)


def test_a_single_evaluation_carries_all_noise_to_the_mean() -> None:
    torch.testing.assert_close(Flow(Exact(), (1,), 1)(randn(5)), torch.full((5, 1), M, dtype=torch.float64))


def test_a_training_finds_mean_and_spread() -> None:
    at = trainer("flow_16", "points", batch=256, steps=400, generator_optimizer={"lr": 0.01})
    data = np.random.default_rng(0).normal((M, -M), (S, 2 * S), (4000, 2)).astype(np.float32)
    batches = Batches(data, 256, DataTransform("points", 1.0), 0, "order", CPU, None)
    held_out = torch.from_numpy(data[:500])
    before = at.held_out_metrics(held_out)["held_out_loss"]
    for _ in range(400):
        at.train_step(batches)
    # E Var(x - z | x_t), the mean over t of s^2 / ((1 - t)^2 + t^2 s^2) for each feature, is what no network explains
    t = torch.linspace(0, 1, 1001)
    least = torch.stack([s**2 / ((1 - t) ** 2 + t**2 * s**2) for s in (S, 2 * S)]).mean().item()
    after = at.held_out_metrics(held_out)["held_out_loss"].item()
    assert least * 0.9 < after < min(1.2 * least, before.item())
    samples = at.generators["raw"](torch.randn(4000, 24, generator=torch.Generator().manual_seed(0)))
    assert samples.mean(0).tolist() == pytest.approx([M, -M], abs=0.1)
    assert samples.std(0).tolist() == pytest.approx([S, 2 * S], rel=0.12)
