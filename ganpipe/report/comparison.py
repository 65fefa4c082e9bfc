"""The main metric of every variant beside that of the best: an order with its uncertainty, or why there is none."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ganpipe.report.evaluations import Weights
from ganpipe.report.formats import NOTHING, extent, number
from ganpipe.report.read import Variant, read_zoo
from ganpipe.report.table import Cell, Column
from ganpipe.statistics import (
    LEVEL,
    MIN_SEEDS,
    Better,
    Difference,
    Interval,
    Number,
    RankInterval,
    Superiority,
    a12,
    bootstrap_mean,
    distinct,
    rank,
    welch,
)


@dataclass(frozen=True)
class Compared:
    """One variant. rank: None where nothing is ranked. difference, superiority: to the best one, None for itself.

    values: one per seed. wins: in how many pairs, of a seed of the best one and a seed of this one, the best one is
    better, and of how many. mean: as the table of all metrics prints it.
    """

    variant: str
    title: str
    mean: Cell
    values: tuple[Number, ...]
    bootstrap: Interval
    rank: RankInterval | None
    difference: Difference | None
    superiority: Superiority | None
    wins: tuple[int, int] | None
    conclusion: str

    @property
    def rank_interval(self) -> str:
        """From which rank to which over the resamples."""
        ends = (self.rank.low, self.rank.high) if self.rank else ()
        return "\u2013".join(dict.fromkeys(number(end) for end in ends)) or NOTHING


@dataclass(frozen=True)
class Comparison:
    """All variants that have the metric, best mean first.

    best: the title of the one that the others are compared with, None where every variant has lost seeds. pairs: how
    many comparisons the p-values are adjusted for. seeds: of each variant, in words. refused: why nothing is ranked,
    empty where something is.
    """

    variants: tuple[Compared, ...]
    best: str | None
    pairs: int
    seeds: str
    refused: str

    @property
    def has_table(self) -> bool:
        """Whether there is more to show than that there are too few seeds."""
        differences = [one.difference for one in self.variants if one.difference]
        return not self.refused or any(difference.low is not None for difference in differences)


def comparison(column: Column, variants: Sequence[Variant], weights: Weights) -> Comparison | None:
    """Compares the variants by one metric.

    None where no direction of the metric is better, or fewer than two variants have it. With fewer than `MIN_SEEDS`
    seeds there is no order, and differences are shown without one.
    """
    better = column.better
    pairs = zip(variants, column.cells[weights], strict=True)
    measured = {v.name: (v, mean_cell) for v, mean_cell in pairs if v.evaluation.metrics.get(column.name)}
    values = {
        name: given for name, (v, _) in measured.items() if (given := v.evaluation.metrics[column.name].of(weights))
    }
    if better is None or len(values) < 2:
        return None
    ranking = rank(values, better)
    ranks = {place.name: place for place in ranking.ranks}
    best = None if ranking.best is None else measured[ranking.best][0].title

    def compared(name: str) -> Compared:
        other = None if ranking.best is None or name == ranking.best else values[ranking.best]
        bootstrap, place = bootstrap_mean(values[name]), ranks.get(name)
        if bootstrap.lost:
            conclusion = f"{bootstrap.lost} of {len(values[name])} seeds lost{': ranked behind' if place else ''}"
        elif name == ranking.best:
            conclusion = "best mean" if place else "reference"
        else:
            conclusion = f"worse than {best}" if place and distinct(place.p_best) else "not resolved"
        return Compared(
            variant=name,
            title=measured[name][0].title,
            mean=measured[name][1],
            values=values[name],
            bootstrap=bootstrap,
            rank=place,
            difference=None if other is None else welch(values[name], other),
            superiority=None if other is None else a12(values[name], other, better),
            wins=None if other is None else _wins(other, values[name], better),
            conclusion=conclusion,
        )

    counts = [len(given) for given in values.values()]
    seeds = f"{extent(counts)} seed{'s' * (max(counts) > 1)}"
    refused = "" if ranking.resolved else f"not resolved: {seeds}; at least {MIN_SEEDS} are needed to rank"
    order = list(ranks) or sorted(values, key=lambda name: _badness(measured[name][1], better))
    return Comparison(tuple(compared(name) for name in order), best, ranking.pairs, seeds, refused)


def _badness(mean: Cell, better: Better) -> float:
    return math.inf if mean.value is None else mean.value if better == "lower" else -mean.value


def _wins(best: Sequence[Number], other: Sequence[Number], better: Better) -> tuple[int, int]:
    """In how many pairs of seeds the first is better, and of how many; a seed without a finite value loses."""
    sign = 1 if better == "lower" else -1

    def badness(value: Number) -> float:
        return sign * value if value is not None and math.isfinite(value) else math.inf

    return sum(badness(a) < badness(b) for a in best for b in other), len(best) * len(other)


def ranks(root: Path, spec: Mapping[str, Any]) -> dict[str, tuple[str, Number]]:
    """The rank of each evaluated variant by its main metric, the first in the table: in words, and as a number."""
    zoo = read_zoo(root, spec)
    metrics = {v.name: next((m for m in v.evaluation.metrics.values() if m.in_main_table), None) for v in zoo.variants}
    values = {name: metric.raw for name, metric in metrics.items() if metric}
    better = next((metric.better for metric in metrics.values() if metric), None)
    if better is None or len(values) < 2:
        return {}
    ranking = rank(values, better)
    if not ranking.resolved:
        return dict.fromkeys(values, (f"not resolved: fewer than {MIN_SEEDS} seeds", None))
    order = {place.name: (number, place) for number, place in enumerate(ranking.ranks, 1)}
    return {
        name: (f"{number} of {len(values)}, between {place.low:g} and {place.high:g}", float(number))
        for name, (number, place) in order.items()
    }


def as_json(column: Column, comparisons: Mapping[Weights, Comparison]) -> dict[str, Any]:
    """The same for programs: a mapping that JSON takes, where what is not finite is null."""
    tables = {
        weights: [
            asdict(one) | {"mean": one.mean.value, "t_low": one.mean.low, "t_high": one.mean.high}
            for one in found.variants
        ]
        for weights, found in comparisons.items()
    }
    head = {"metric": column.name, "label": column.label, "better": column.better, "level": LEVEL}
    return {**head, **_finite(tables)}


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
