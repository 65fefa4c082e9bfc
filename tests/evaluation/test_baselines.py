"""What an exact sampler of the mixtures gets, against what is known of it on paper."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from evaluation_data import reference

from ganpipe.data._synthetic_points import PlaneMixture
from ganpipe.data.grid import Grid
from ganpipe.data.ring import Ring
from ganpipe.evaluation.baselines import compute_baselines

COUNT, DRAWS = 2500, 20
RING = Ring(kind="ring", modes=8, radius=2.0, std=0.02, train=50_000, test=2000, seed=0)
GRID = Grid(kind="grid", side=5, spacing=2.0, std=0.05, train=50_000, test=2000, seed=0)


@pytest.mark.parametrize(("source", "modes", "divergence"), [(RING, 8, 0.0014), (GRID, 25, 0.0048)])
def test_floors_of_a_mixture_are_those_of_an_exact_sampler(source: PlaneMixture, modes: int, divergence: float) -> None:
    data = source.load(Path("/nonexistent"))
    found = compute_baselines(
        reference(data, max_samples=COUNT, baseline_draws=DRAWS, sliced_wasserstein_projections=2), COUNT, quick=True
    )
    assert (found["modes"].real_baseline, found["modes"].std) == (modes, 0.0)
    # 1 - exp(-9/2): the share of a Gaussian in the plane within 3 deviations
    exact = 1 - math.exp(-4.5)
    assert exact == pytest.approx(0.98889, abs=1e-5)
    sigma = math.sqrt(exact * (1 - exact) / COUNT)
    high = found["high_quality"]
    # of the mean over draws, which share the 50,000 training points
    assert high.real_baseline == pytest.approx(exact, abs=3 * sigma * math.sqrt(1 / DRAWS + COUNT / 50_000))
    assert high.std == pytest.approx(sigma, rel=0.5)
    # twice n times the divergence is nearly chi-squared of K - 1 degrees
    assert (modes - 1) / (2 * COUNT) == pytest.approx(divergence, abs=5e-5)
    spread = math.sqrt(2 * (modes - 1)) / (2 * COUNT)
    reverse = found["reverse_kl"]
    assert reverse.real_baseline == pytest.approx(divergence, abs=3 * spread * math.sqrt(1 / DRAWS + COUNT / 50_000))
    assert reverse.std == pytest.approx(spread, rel=0.5)
