"""The main figure of every variant beside that of the best: an order with its doubt, or why there is none."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

from ganpipe.report.read import Variant
from ganpipe.report.table import NOTHING, Cell, Column, number
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
    """One variant. place: None where nothing is ranked. difference, superiority: to the best one, None for itself.

    values: one per seed. mean: as the table of all figures prints it.
    """

    row: str
    title: str
    mean: Cell
    values: tuple[Number, ...]
    bootstrap: Interval
    place: RankInterval | None
    difference: Difference | None
    superiority: Superiority | None
    verdict: str

    @property
    def places(self) -> str:
        """From which place to which over the resamples."""
        ends = (self.place.low, self.place.high) if self.place else ()
        return "\u2013".join(dict.fromkeys(number(end) for end in ends)) or NOTHING

    @property
    def by(self) -> str:
        """The difference with its sign."""
        value = self.difference.value if self.difference else None
        return NOTHING if value is None else f"{'+' if value > 0 else ''}{number(value)}"

    @property
    def p(self) -> str:
        """The adjusted p-value, to three decimals."""
        value = self.place.p_best if self.place else None
        return NOTHING if value is None else "< 0.001" if value < 0.001 else f"{value:.3f}"


@dataclass(frozen=True)
class Comparison:
    """All variants that have the figure, best first, or in the order of the page where nothing is ranked.

    best: the title of the one that the others are compared with, None where every variant has lost seeds. pairs: how
    many comparisons the p-values are adjusted for. seeds: of each variant, in words. refused: why nothing is ranked,
    empty where something is.
    """

    rows: tuple[Compared, ...]
    best: str | None
    pairs: int
    seeds: str
    refused: str

    @property
    def shown(self) -> bool:
        """Whether the table says more than that there are too few seeds."""
        return not self.refused or any(row.difference and row.difference.low is not None for row in self.rows)


def comparison(column: Column, variants: Sequence[Variant], weights: str) -> Comparison | None:
    """Compares the variants by one figure; weights: "raw" or "ema".

    None where no side of the figure is better, or fewer than two variants have it. With fewer than `MIN_SEEDS` seeds
    there is no order, and differences are shown for what they are.
    """
    values: dict[str, tuple[Number, ...]] = {
        variant.row: getattr(figure, weights)
        for variant in variants
        for figure in variant.evaluation.figures
        if figure.name == column.name and getattr(figure, weights)
    }
    if column.better is None or len(values) < 2:
        return None
    better = cast(Better, column.better)
    ranking = rank(values, better)
    places = {place.name: place for place in ranking.ranks}
    titles = {variant.row: variant.title for variant in variants}
    means: dict[str, Cell] = dict(zip(titles, getattr(column, weights), strict=True))
    best = None if ranking.best is None else titles[ranking.best]

    def compared(row: str) -> Compared:
        other = None if ranking.best is None or row == ranking.best else values[ranking.best]
        bootstrap, place = bootstrap_mean(values[row]), places.get(row)
        if bootstrap.lost:
            verdict = f"{bootstrap.lost} of {len(values[row])} seeds lost{': ranked behind' if place else ''}"
        elif row == ranking.best:
            verdict = "best mean" if place else "reference"
        else:
            verdict = f"worse than {best}" if place and distinct(place.p_best) else "not resolved"
        return Compared(
            row=row,
            title=titles[row],
            mean=means[row],
            values=values[row],
            bootstrap=bootstrap,
            place=place,
            difference=None if other is None else welch(values[row], other),
            superiority=None if other is None else a12(values[row], other, better),
            verdict=verdict,
        )

    counts = sorted(len(given) for given in values.values())
    seeds = " to ".join(dict.fromkeys((str(counts[0]), str(counts[-1])))) + (" seeds" if counts[-1] > 1 else " seed")
    refused = "" if ranking.resolved else f"not resolved: {seeds}; at least {MIN_SEEDS} are needed to rank"
    return Comparison(tuple(compared(row) for row in places or values), best, ranking.pairs, seeds, refused)


def plain(column: Column, comparisons: Mapping[str, Comparison]) -> dict[str, Any]:
    """The same for programs: a mapping that JSON takes, where what is not finite is null."""
    rows = {
        weights: [
            {name: value for name, value in asdict(row).items() if name != "mean"}
            | {"mean": row.mean.value, "t_low": row.mean.low, "t_high": row.mean.high}
            for row in found.rows
        ]
        for weights, found in comparisons.items()
    }
    head = {"figure": column.name, "label": column.label, "better": column.better, "level": LEVEL}
    return {**head, **_finite(rows)}


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
