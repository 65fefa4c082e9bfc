"""Distances between batches by hand, and against POT."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from ganpipe.distances.mmd import MMD
from ganpipe.distances.sinkhorn import Sinkhorn
from ganpipe.metrics.wasserstein import _solver

ROOT2 = 2**0.5


def column(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)[:, None]


def randn(n: int, seed: int) -> Tensor:
    return torch.randn(n, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def sinkhorn(epsilon: float, iterations: int = 2000) -> Sinkhorn:
    return Sinkhorn(kind="sinkhorn", epsilon=epsilon, iterations=iterations)


def test_mmd_by_hand() -> None:
    """k(a) = 1 / (1 + a^2 / 2) of shape 1; at a = root 2 it is 1 / 2, of shape 2 (1 + 1 / 2)^-2 = 4 / 9."""
    one = MMD(kind="mmd", length=1.0, shapes=(1.0,))
    assert one(column(0, 0), column(ROOT2, ROOT2)).item() == pytest.approx(1 + 1 - 2 * 0.5)
    assert one(column(0, ROOT2), column(0, ROOT2)).item() == pytest.approx(0.5 + 0.5 - 2 * 0.75)  # without bias
    two = MMD(kind="mmd", length=3.0, shapes=(1.0, 2.0))
    assert two(column(0, 0), column(3 * ROOT2, 3 * ROOT2)).item() == pytest.approx(2 - (0.5 + 4 / 9))


def test_mmd_has_no_bias() -> None:
    """Its mean over draws of one distribution is 0, within three standard errors."""
    mmd = MMD(kind="mmd", length=1.0, shapes=(0.5, 2.0))
    found = torch.stack([mmd(randn(20, 2 * i), randn(30, 2 * i + 1)) for i in range(300)])
    assert abs(found.mean()) < 3 * found.std() / 300**0.5


@pytest.mark.parametrize("epsilon", [0.1, 10.0])
def test_sinkhorn_divergence_of_two_points_is_the_square_of_their_distance(epsilon: float) -> None:
    x = column(0).requires_grad_(True)
    found = sinkhorn(epsilon, 1)(x, column(3))
    found.backward()
    assert found.item() == pytest.approx(9)
    assert x.grad is not None
    assert x.grad.item() == pytest.approx(-6)


def test_sinkhorn_divergence_of_a_moved_batch_is_the_square_of_the_way() -> None:
    x, way = randn(30, 0), torch.tensor([1.0, -2.0], dtype=torch.float64)
    assert sinkhorn(0.5)(x, x + way).item() == pytest.approx(5, rel=1e-6)


def test_sinkhorn_divergence_is_wasserstein_2_for_a_small_epsilon_and_the_distance_of_the_means_for_a_large_one() -> (
    None
):
    """0 and 1 go to 0 and 3: a square of 2 on the mean; the means are 1 apart."""
    assert sinkhorn(0.01)(column(0, 1), column(3, 0)).item() == pytest.approx(2, abs=0.02)
    assert sinkhorn(1e4)(column(0, 1), column(3, 0)).item() == pytest.approx(1, abs=0.01)


def test_transport_is_that_of_pot_and_its_gradient_that_of_differences() -> None:
    """POT's cost has no entropy of the uniform plan: <P, cost> + epsilon KL is what is compared."""
    x, y, epsilon = randn(12, 1), randn(15, 2) + 1, 0.5
    cost = (x[:, None] - y[None]).square().sum(2).numpy()
    plan = _solver().sinkhorn(
        np.full(12, 1 / 12), np.full(15, 1 / 15), cost, epsilon, method="sinkhorn_log", stopThr=1e-12
    )
    expected = (plan * cost).sum() + epsilon * (plan * np.log(plan * 180)).sum()
    assert sinkhorn(epsilon).transport(x, y).item() == pytest.approx(expected, rel=1e-8)
    x = x[:3].clone().requires_grad_(True)
    assert torch.autograd.gradcheck(lambda x: sinkhorn(epsilon).transport(x, y[:4]), (x,), atol=1e-5)
