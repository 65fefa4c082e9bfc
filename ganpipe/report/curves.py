"""Learning curves as small SVG pictures that take their colours and their font from the page around them."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from ganpipe.report.formats import MINUS, number
from ganpipe.report.read import Run, Series

MAX_POINTS = 160
"""Longer curves are averaged in groups of neighbouring rows, which are means of their steps already."""

LARGEST = 1e30
"""Beyond this a value counts as not finite: no axis can show it."""

_COLORS = {"#0a0b0c": "var(--accent)", "#0d0e0f": "var(--muted)", "#1a1b1c": "var(--rule)"}
_ACCENT, _MUTED, _RULE = _COLORS


@dataclass(frozen=True)
class Panel:
    """One quantity of a history: a curve per seed, thin, and their mean.

    cut: the range of the values where the axis does not show all of it. lost: how many values are not finite.
    svg: empty where there is nothing to draw.
    """

    title: str
    cut: str
    lost: str
    svg: str


def panels(runs: Sequence[Run], salt: str) -> list[Panel]:
    """A panel for every column that any run logged. `salt` keeps the names inside the pictures apart."""
    names = list(dict.fromkeys(name for run in runs for name in run.history))
    return [panel(name, [r.history[name] for r in runs if name in r.history], f"{salt}/{name}") for name in names]


def panel(name: str, seeds: Sequence[Series], salt: str) -> Panel:
    """Draws one quantity of all seeds."""
    drawn = [thinned(series) for series in seeds]
    values = [value for series in drawn for value in series.values if math.isfinite(value)]
    bad = sum(not _drawable(value) for series in seeds for value in series.values)
    title, lost = name.replace("_", " ").replace("/", " / "), f"{bad} value{'s' * (bad > 1)} not finite" if bad else ""
    if not values:
        return Panel(title, "", lost, "")
    low, high = _axis_range(values)
    beyond = min(values) < low or max(values) > high
    cut = f"axis cut, values from {number(min(values))} to {number(max(values))}" if beyond else ""
    return Panel(title, cut, lost, _draw(drawn, low, high, salt))


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


def _drawable(value: float) -> bool:
    return math.isfinite(value) and abs(value) < LARGEST


def _axis_range(values: Sequence[float]) -> tuple[float, float]:
    """The axis holds all values, or the middle 96 % of them where a few would squash the rest."""
    ordered, cut = sorted(values), len(values) // 50
    low, high = ordered[0], ordered[-1]
    inner_low, inner_high = ordered[cut], ordered[-1 - cut]
    if inner_high > inner_low and high - low > 5 * (inner_high - inner_low):
        low, high = inner_low, inner_high
    margin = 0.06 * (high - low) or 0.1 * abs(high) or 1.0
    return low - margin, high + margin


def _step(value: float, _: object) -> str:
    return f"{value / 1000:g}k" if abs(value) >= 1000 else f"{value:g}"


def _value(value: float, _: object) -> str:
    return f"{value:.4g}".replace("-", MINUS)


def _draw(seeds: Sequence[Series], low: float, high: float, salt: str) -> str:
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    with matplotlib.rc_context({"svg.hashsalt": salt, "svg.fonttype": "none"}):
        figure = Figure(figsize=(4.0, 2.1))
        FigureCanvasSVG(figure)
        axes = figure.add_axes((0.115, 0.115, 0.865, 0.85))
        axes.patch.set_visible(False)
        axes.spines[:].set_visible(False)
        axes.set_ylim(low, high)
        axes.grid(color=_RULE, linewidth=0.6)
        axes.set_axisbelow(True)
        axes.tick_params(length=0, pad=3, labelsize=9, labelcolor=_MUTED)
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(4))
        axes.xaxis.set_major_formatter(_step)
        axes.yaxis.set_major_formatter(_value)
        if low < 0 < high:
            axes.axhline(0, color=_MUTED, linewidth=0.8)
        alone = len(seeds) == 1
        for series in seeds:
            axes.plot(series.steps, series.values, color=_ACCENT, linewidth=0.8, alpha=1 if alone else 0.4)
        if not alone:
            mean = mean_curve(seeds)
            axes.plot(mean.steps, mean.values, color=_ACCENT, linewidth=1.8)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    return _inline(buffer.getvalue())


def _inline(svg: str) -> str:
    """Makes a picture part of a page: its colours, no header, no links, no names that nothing refers to."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->|<style.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'<svg [^>]*viewBox="([^"]*)"[^>]*>', r'<svg viewBox="\1" aria-hidden="true">', svg)
    used = set(re.findall(r"#([\w.-]+)", svg))
    svg = re.sub(r' id="([^"]*)"', lambda match: match[0] if match[1] in used else "", svg)
    svg = re.sub(r" font-family: [^;]*;", "", svg)
    svg = re.sub(r' (d|x|y|transform)="[^"]*"', lambda match: re.sub(r"(\.\d\d)\d+", r"\1", match[0]), svg)
    for color, variable in _COLORS.items():
        svg = svg.replace(color, variable)
    return re.sub(r"\s*\n\s*", "\n", svg).strip()
