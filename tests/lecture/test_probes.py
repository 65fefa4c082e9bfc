"""The probes: closed forms, the same bytes each time."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ganpipe.lecture import probes
from ganpipe.lecture.probe import ProbeResult, Value, write
from ganpipe.parts import kinds

Values = dict[str, Value]


def run(name: str) -> ProbeResult:
    found: ProbeResult = importlib.import_module(f"{probes.__name__}.{name}").run()
    return found


def check_lines(values: Values) -> None:
    """JS is log 2 and W1 the distance; without a distance both are 0."""
    assert values["js_error"] < 1e-9
    assert values["w1_error"] < 1e-9
    assert values["js_at_zero"] == pytest.approx(0, abs=1e-12)


def check_plan(values: Values) -> None:
    """Rows and columns sum to both distributions, and no plan is cheaper."""
    assert values["marginal_error"] < 1e-12
    assert values["dual_error"] < 1e-9
    assert values["least_excess"] >= 0


def check_jsd(values: Values) -> None:
    """The bounds of the project's f-divergences: both halves sum to JSD, one alone is something else."""
    assert values["sum_error"] < 1e-9
    assert values["slip_error"] > 1e-3


def check_games(values: Values) -> None:
    """Mescheder's eigenvalues, and the growth of the bilinear game."""
    assert values["eigenvalue_error"] < 1e-9
    assert values["wgan_growth_error"] < 1e-9


def check_bounds(values: Values) -> None:
    """Below the divergence, and equal to it at T*."""
    assert values["worst_excess"] < 1e-6
    assert values["optimum_error"] < 1e-6


def check_best_critic(values: Values) -> None:
    """V(D*) = 2 JSD - 2 log 2."""
    assert values["best_v_error"] < 1e-4
    assert values["d_error"] < values["start_d_error"]


def check_steps(values: Values) -> None:
    """max V is 2 JSD - 2 log 2 at every generator."""
    assert values["best_error"] < 1e-3


def check_force(values: Values) -> None:
    """At equal densities D* is 1/2, half a label from the aim, in one coding, and the aim itself in the other."""
    assert values["equal_lsgan"] == pytest.approx(0.5)
    assert values["equal_pearson"] == pytest.approx(0.0)


def check_fit(values: Values) -> None:
    """Largest likelihood and least KL agree."""
    assert values["mean_difference"] < 1e-3
    assert values["std_difference"] < 1e-3


def check_slope(values: Values) -> None:
    """x / 2: |1/2 - 1|^2 times the weight 10."""
    assert values["lipschitz_constant"] == values["gradient_norm"] == pytest.approx(0.5)
    assert (values["two_sided"], values["one_sided"]) == pytest.approx((2.5, 0))


def check_dynamics(values: Values) -> None:
    """sqrt(1 + r^2) and sqrt(1 - r^2 + r^4) a step, an ellipse, and the larger root of the optimistic steps."""
    for name in ("simultaneous", "extragradient", "optimistic", "alternating"):
        assert values[f"{name}_error"] < 1e-6


QUICK = {"parallel_lines": check_lines, "moving_plan": check_plan, "jsd_slip": check_jsd, "dynamics": check_dynamics}
CHECKS: dict[str, Callable[[Values], None]] = {
    **QUICK,
    "dirac_gan": check_games,
    "fgan_bound": check_bounds,
    "optimal_critic": check_best_critic,
    "critic_first": check_steps,
    "lsgan_force": check_force,
    "likelihood": check_fit,
    "lipschitz_slip": check_slope,
}


@pytest.mark.parametrize("name", QUICK)
def test_closed_forms(name: str) -> None:
    QUICK[name](run(name).values)


@pytest.mark.slow
@pytest.mark.parametrize("name", kinds(probes.__name__))
def test_every_probe(name: str) -> None:
    """All numbers are finite, all rows as long as the header, all closed forms met."""
    found = run(name)
    assert np.isfinite(np.hstack([np.ravel(value) for value in found.values.values()])).all()
    assert {len(row) for row in found.rows} == {len(found.columns)}
    assert not any(isinstance(cell, float) and math.isinf(cell) for row in found.rows for cell in row)
    if name in CHECKS:
        CHECKS[name](found.values)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["moving_plan", "critic_first", "loss_sensitive_margin", "ebgan_energy"])
def test_the_same_bytes(tmp_path: Path, name: str) -> None:
    for folder in ("one", "two"):
        write(run(name), tmp_path / folder)
    for file in ("values.json", "table.csv", "figure.svg"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
