"""The probes: closed forms, the same bytes each time."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable

import pytest

from ganpipe.lecture.probe import ProbeResult, Value

Values = dict[str, Value]


def run(name: str) -> ProbeResult:
    found: ProbeResult = importlib.import_module(f"ganpipe.lecture.probes.{name}").run()
    return found


def lines(values: Values) -> None:
    """JS is log 2 and W1 the distance; without a distance both are 0."""
    assert values["js_error"] < 1e-9
    assert values["w1_error"] < 1e-9
    assert values["js_at_zero"] == pytest.approx(0, abs=1e-12)


def plan(values: Values) -> None:
    """Rows and columns sum to both distributions, and no plan is cheaper."""
    assert values["marginal_error"] < 1e-12
    assert values["dual_error"] < 1e-9
    assert values["least_excess"] >= 0


def slip(values: Values) -> None:
    """The bounds of the project's f-divergences: both halves sum to JSD, one alone is something else."""
    assert values["sum_error"] < 1e-9
    assert values["slip_error"] > 1e-3


@pytest.mark.parametrize(("name", "check"), [("parallel_lines", lines), ("moving_plan", plan), ("jsd_slip", slip)])
def test_closed_forms(name: str, check: Callable[[Values], None]) -> None:
    found = run(name)
    check(found.values)
    assert all(len(row) == len(found.columns) for row in found.rows)
    assert math.isfinite(sum(sum(v) if isinstance(v, list) else v for v in found.values.values()))
