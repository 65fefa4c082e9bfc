"""The data of the interactive charts, which `charts.js.j2` draws with Vega-Lite. No value is lost to an axis: the chart
of a quantity with outliers says so and shows the middle of its range."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from ganpipe.report.formats import number
from ganpipe.report.read import Run, Series

MAX_POINTS = 160
"""Longer curves are averaged in groups of neighbouring rows, which are means of their steps already."""

LARGEST = 1e30
"""Beyond this a value counts as not finite: no axis can show it."""

MEAN = "mean"


@dataclass(frozen=True)
class Chart:
    """One quantity over the steps.

    note: what is not drawn as it is: values outside the axis, values that are not finite. summary: the alternative
    text. spec: what the script needs: `x` and `y`, their titles; `domain` of y or None; `lines`, each with its name and
    points [x, y], y null in a gap; or `points` of a scatter plot.
    """

    title: str
    note: str
    summary: str
    spec: dict[str, Any]

    @property
    def empty(self) -> bool:
        return not (self.spec.get("lines") or self.spec.get("points"))


def learning_curves(runs: Sequence[Run]) -> list[Chart]:
    """A chart for every column that any run logged."""
    names = list(dict.fromkeys(name for run in runs for name in run.history))
    return [
        over_steps(name, {f"seed {r.seed}": r.history[name] for r in runs if name in r.history}, len(runs) > 1)
        for name in names
    ]


def over_steps(name: str, series: dict[str, Series], with_mean: bool = False, x: str = "step") -> Chart:
    """The chart of one quantity: a line per series, and their mean where asked for."""
    title = name.replace("_", " ").replace("/", " / ")
    drawn = {label: thinned(one) for label, one in series.items()}
    values = [value for one in drawn.values() for value in one.values if math.isfinite(value)]
    bad = sum(not _drawable(value) for one in series.values() for value in one.values)
    notes = [f"{bad} value{'s' * (bad > 1)} not finite"] if bad else []
    if not values:
        return Chart(title, ", ".join(notes), f"{title}: no finite value", {"lines": []})
    if with_mean:
        drawn = {MEAN: mean_curve(list(drawn.values())), **drawn}
    domain = _middle(values)
    if domain:
        notes.insert(0, f"axis cut, values from {number(min(values))} to {number(max(values))}")
    lines = [{"name": label, "points": _points(one)} for label, one in drawn.items()]
    last = next(value for one in drawn.values() for value in reversed(one.values) if math.isfinite(value))
    summary = f"{title} over the {x}s: from {number(min(values))} to {number(max(values))}, at the end {number(last)}"
    return Chart(title, ", ".join(notes), summary, {"x": x, "y": title, "domain": domain, "lines": lines})


def thinned(series: Series) -> Series:
    """At most `MAX_POINTS` points; a group with a value that is not finite becomes a gap."""
    pairs = [(s, v if _drawable(v) else math.nan) for s, v in zip(series.steps, series.values, strict=True)]
    size = max(1, math.ceil(len(pairs) / MAX_POINTS))  # a seed that was lost before its first snapshot has none
    groups = [pairs[start : start + size] for start in range(0, len(pairs), size)]
    return Series(
        tuple(group[-1][0] for group in groups),
        tuple(sum(v for _, v in group) / len(group) for group in groups),
    )


def mean_curve(seeds: Sequence[Series]) -> Series:
    """The mean over the seeds, at the steps that all of them have."""
    pairs = sorted(pair for series in seeds for pair in zip(series.steps, series.values, strict=True))
    by_step = [(step, [value for _, value in group]) for step, group in groupby(pairs, key=lambda pair: pair[0])]
    complete = [(step, sum(values) / len(values)) for step, values in by_step if len(values) == len(seeds)]
    return Series(tuple(step for step, _ in complete), tuple(mean for _, mean in complete))


def rounded(value: float | None) -> float | None:
    """Four significant digits, which are as many as a chart can show; None for what is not finite."""
    return float(f"{value:.4g}") if value is not None and _drawable(value) else None


def _points(series: Series) -> list[list[float | None]]:
    return [[step, rounded(value)] for step, value in zip(series.steps, series.values, strict=True)]


def _drawable(value: float) -> bool:
    return math.isfinite(value) and abs(value) < LARGEST


def _middle(values: Iterable[float]) -> list[float] | None:
    """The middle 96 % of the values with a margin, where a few would squash the rest; None where the axis holds all."""
    ordered = sorted(values)
    cut = len(ordered) // 50
    low, high = ordered[cut], ordered[-1 - cut]
    if high <= low or ordered[-1] - ordered[0] <= 5 * (high - low):
        return None
    margin = 0.06 * (high - low)
    return [float(f"{low - margin:.4g}"), float(f"{high + margin:.4g}")]
