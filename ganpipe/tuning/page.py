"""The page of the tuning on one data set: the expected best against the budget, ranks, sensitivity, and the winners."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from ganpipe.lecture.pictures import svg_uri
from ganpipe.lecture.probe import axes, svg
from ganpipe.report.evaluations import Metric
from ganpipe.report.formats import mean_and_half, number
from ganpipe.statistics.budget import Curve, Rank, Share, compare, within
from ganpipe.statistics.ranking import distinct, rank
from ganpipe.statistics.seeds import summary
from ganpipe.tuning.draws import Draw, best, main_metrics, read_draw, read_evaluation

COLOURS = ("#3457a6", "#b2562b", "#2f7d62", "#8a4f9e", "#a8842c", "#2f8aa6", "#b03a5b", "#6a6a70")
STYLES = ("-", "--", ":")
FACTOR = 2.0
"""Sensitivity is the share of configurations within so many times the best."""


@dataclass(frozen=True)
class Tuned:
    """One variant. winner: its best draw; test: the main metric of the trainings of it, on the test split. share: of
    the draws that come near the best; failed: draws with a status."""

    name: str
    title: str
    draws: tuple[Draw, ...]
    winner: Draw
    test: Metric
    share: Share | None
    failed: int

    @property
    def mean(self) -> str:
        found = summary(self.test.raw)
        lost = f" ({found.lost} lost)" if found.lost else ""
        if found.mean is None or found.high is None:
            return number(found.mean) + lost
        return " ± ".join(mean_and_half(found.mean, found.high - found.mean)) + lost


@dataclass(frozen=True)
class Result:
    """Of all variants, the best on the test split first. curves, ranks: by name, and by budget and name."""

    tuned: tuple[Tuned, ...]
    curves: Mapping[str, Curve]
    ranks: Mapping[int, Mapping[str, Rank]]


def read(spec: Mapping[str, Any], root: Path) -> Result:
    """The results in `tune/`. spec: of the page. Raises UserError as `read_draw` does."""
    folder = root / "draws" / spec["data"]
    every = {name: [read_draw(folder / name / str(i), i) for i in spec["draws"]] for name in spec["titles"]}
    worst = max((one.badness for draws in every.values() for one in draws if isfinite(one.badness)), default=0.0)
    tuned = []
    for name, title in spec["titles"].items():
        draws = tuple(one.no_worse_than(worst) for one in every[name])
        test = main_metrics(read_evaluation(root / "winners" / spec["data"] / name))[0]
        values = [one.badness for one in draws]
        share = within(values, FACTOR) if min(values) > 0 else None
        tuned.append(Tuned(name, title, draws, best(draws), test, share, sum(bool(one.status) for one in draws)))
    curves, ranks = compare({one.name: [draw.badness for draw in one.draws] for one in tuned})
    return Result(tuple(sorted(tuned, key=_badness)), curves, ranks)


def _badness(one: Tuned) -> tuple[bool, float]:
    found = summary(one.test.raw)
    value = found.mean if found.mean is not None else float("inf")
    return bool(found.lost), value if one.test.better == "lower" else -value


def _sign(metric: Metric) -> int:
    """What badness is multiplied by to be the metric."""
    return 1 if metric.better == "lower" else -1


def as_json(result: Result) -> dict[str, Any]:
    """The numbers of the page."""
    return {
        one.name: {
            "winner": one.winner.draw,
            "numbers": one.winner.numbers,
            "validation": one.winner.metrics[0].raw[0],
            "test": list(one.test.raw),
            "within_twice_the_best": one.share.share if one.share else None,
            "failed": one.failed,
            "expected_best": [_sign(one.test) * value for value in result.curves[one.name].best],
            "ranks": {str(budget): vars(of[one.name]) for budget, of in result.ranks.items()},
        }
        for one in result.tuned
    }


def tuning_page(result: Result, data: str) -> str:
    """The page as HTML, which opens offline."""
    environment = Environment(
        loader=ChoiceLoader([PackageLoader("ganpipe.tuning"), PackageLoader("ganpipe.report")]),
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["number"] = number
    metric = result.tuned[0].test
    sign = _sign(metric)
    return environment.get_template("tuning.html.j2").render(
        data=data,
        result=result,
        metric=metric,
        label=metric.label,
        budget=len(result.tuned[0].draws),
        seeds=len(metric.raw),
        tied=_tied(result),
        sign=sign,
        factor=FACTOR,
        curves=svg_uri(_curves(result, sign)),
        draws=svg_uri(_draws(result, sign)),
    )


def _tied(result: Result) -> list[str] | None:
    """The variants that cannot be told from the best on the test split; None with too few seeds for that."""
    metric = result.tuned[0].test
    ranking = rank({one.title: one.test.raw for one in result.tuned}, metric.better or "lower")
    if not ranking.resolved:
        return None
    return [one.name for one in ranking.ranks if one.name != ranking.best and not distinct(one.p_best)]


def _curves(result: Result, sign: int) -> bytes:
    """The expected best against the number of configurations, with bands."""
    figure, (pane,) = axes(width=7.2, height=4.0)
    for i, one in enumerate(result.tuned):
        curve, colour, style = result.curves[one.name], COLOURS[i % len(COLOURS)], STYLES[i // len(COLOURS) % 3]
        low, high = ([sign * value for value in band] for band in (curve.low, curve.high))
        pane.fill_between(curve.budgets, low, high, color=colour, alpha=0.12, linewidth=0)
        pane.plot(curve.budgets, [sign * value for value in curve.best], style, color=colour, label=one.title)
    pane.set_xscale("log")
    _value_axis(result, sign, pane.yaxis)
    ticks = [*result.ranks]
    pane.set_xticks(ticks, [str(tick) for tick in ticks])
    pane.minorticks_off()
    pane.set_xlabel("configurations tried")
    pane.set_ylabel("expected best")
    pane.legend(frameon=False, fontsize=8)
    return svg(figure)


def _draws(result: Result, sign: int) -> bytes:
    """Every configuration as a dot: how much depends on it."""
    figure, (pane,) = axes(width=7.2, height=0.8 + 0.34 * len(result.tuned))
    for y, one in enumerate(result.tuned):
        for failed, marker in ((False, "o"), (True, "x")):
            values = [sign * draw.badness for draw in one.draws if bool(draw.status) == failed]
            pane.plot(values, [y] * len(values), marker, color=COLOURS[y % len(COLOURS)], alpha=0.6, markersize=5)
    _value_axis(result, sign, pane.xaxis)
    pane.set_yticks(range(len(result.tuned)), [one.title for one in result.tuned])
    pane.set_ylim(len(result.tuned) - 0.5, -0.5)
    pane.set_xlabel("on the validation split; crosses: the training has a status", fontsize=9)
    return svg(figure)


def _value_axis(result: Result, sign: int, axis: Any) -> None:
    """Logarithmic where all values are positive, with numbers at 1, 2 and 5 times each power."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    if all(sign * draw.badness > 0 for one in result.tuned for draw in one.draws):
        axis.axes.set(**{f"{axis.axis_name}scale": "log"})
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axis.set_minor_formatter(NullFormatter())
