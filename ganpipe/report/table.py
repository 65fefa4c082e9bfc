"""What the cells of the table say: means with their intervals, where seeds lie, and what beats what."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

from ganpipe.report.evaluations import Figure
from ganpipe.report.read import Variant
from ganpipe.statistics import MIN_SEEDS, Better, Number, distinct, finite, rank, summary

NOTHING, NOT_FINITE, NOT_COMPUTED = "\u2013", "not finite", "not computed"
MINUS, THIN = "\u2212", "\u2009"


@dataclass(frozen=True)
class Cell:
    """One figure of one row, ready to print."""

    mean: str
    half: str = ""
    lost: str = ""
    tooltip: str = ""
    value: Number = None
    low: Number = None
    high: Number = None
    seeds: int = 0
    dots: tuple[float, ...] = ()
    bar: tuple[float, float] | None = None
    at_floor: bool = False
    beyond_ceiling: bool = False
    best: bool = False


@dataclass(frozen=True)
class Verdict:
    """Which row is best, or why none is, and the rows that can't be told apart from it, corrected for all pairs."""

    said: str
    tied: tuple[str, ...] = ()
    resolved: bool = True


@dataclass(frozen=True)
class Column:
    """One figure over all rows. features: the network and its resizer, "" for points. source: those, numbers of samples
    and split. about: the source, and what its floor varies by. note: what to know of its values, or why there are none.
    """

    name: str
    label: str
    features: str
    source: str
    about: str
    better: str | None
    note: str
    floor: str
    ceiling: str
    floor_at: float | None
    logarithmic: bool
    raw: tuple[Cell, ...]
    ema: tuple[Cell, ...]
    verdict_raw: Verdict
    verdict_ema: Verdict


@dataclass(frozen=True)
class Scale:
    """Maps values to 0..100 along a column."""

    low: float
    high: float
    logarithmic: bool

    @classmethod
    def over(cls, values: Sequence[float], better: str | None) -> Scale:
        """A scale that holds all values, logarithmic for distances that span more than a factor of 20."""
        low, high = (min(values), max(values)) if values else (0.0, 1.0)
        return cls(low, high, better == "lower" and 0 < 20 * low < high)

    def __call__(self, value: float) -> float:
        """The position of a value, kept within the scale."""
        low, high, at = self.low, self.high, min(max(value, self.low), self.high)
        if self.logarithmic:
            low, high, at = math.log(low), math.log(high), math.log(at)
        return round(100 * ((at / 2 - low / 2) / (high / 2 - low / 2)), 2) if high > low else 50.0


def number(value: Number) -> str:
    """A number with three significant digits, a whole one with all of its digits, in words where it is none."""
    if value is None or not math.isfinite(value):
        return NOT_FINITE
    if value == int(value) and abs(value) < 1e7:
        return _grouped(value, 0)
    if not 1e-4 <= abs(value) < 1e7:
        return f"{value:.1e}".replace("-", MINUS)
    return _grouped(value, _decimals(value, 3))


def count(value: int) -> str:
    """A whole number, with thin spaces between groups of three digits."""
    return f"{value:,}".replace(",", THIN)


def duration(seconds: float) -> str:
    """Seconds as a person says them."""
    if seconds < 90:
        return f"{number(seconds)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def cell(
    values: Sequence[Number], seeds: Sequence[int], scale: Scale | None = None, notes: Sequence[str | None] = ()
) -> Cell:
    """Mean and interval over the seeds; no mean where a seed has no finite value: it would hide that.

    notes: of each seed, where there are any; one without a value says why that was not computed.
    """
    if not values:
        return Cell(NOTHING)
    notes = notes or (None,) * len(values)
    tooltip = " \u00b7 ".join(
        f"seed {seed}: {_noted(value, note)}" for seed, value, note in zip(seeds, values, notes, strict=False)
    )
    dots = tuple(scale(value) for value in finite(values)) if scale else ()
    s = summary(values)
    if any(value is None and note for value, note in zip(values, notes, strict=True)):
        return Cell(NOT_COMPUTED, tooltip=tooltip, seeds=len(values), dots=dots)
    if s.mean is None or s.lost:
        lost = f"{s.lost} of {len(values)} seeds" if s.n else ""
        return Cell(NOT_FINITE, lost=lost, tooltip=tooltip, seeds=len(values), dots=dots)
    if s.low is None or s.high is None:
        return Cell(number(s.mean), tooltip=tooltip, value=s.mean, seeds=s.n, dots=dots)
    mean, half = _with_interval(s.mean, s.high / 2 - s.low / 2)
    return Cell(
        mean=mean,
        half=half,
        tooltip=f"{tooltip}\n95 % interval of the mean: {number(s.low)} to {number(s.high)}",
        value=s.mean,
        low=s.low,
        high=s.high,
        seeds=s.n,
        dots=dots,
        bar=(scale(s.low), scale(s.high)) if scale else None,
    )


def _noted(value: Number, note: str | None) -> str:
    if value is None and note:
        return f"{NOT_COMPUTED}, as {note}"
    return f"{number(value)} ({note})" if note else number(value)


def columns(variants: Sequence[Variant], to_ceiling: bool = False, leading: bool = True) -> list[Column]:
    """Every figure that any row has and that stands in the first table, or in the second one, in their order.

    The scale on which the seeds are drawn ends at the worst seed, or at the ceiling.
    """
    tables = [{f.name: f for f in variant.evaluation.figures if f.leads == leading} for variant in variants]
    names = list(dict.fromkeys(name for table in tables for name in table))
    return [_column([table.get(name) for table in tables], variants, to_ceiling) for name in names]


def _column(figures: Sequence[Figure | None], variants: Sequence[Variant], to_ceiling: bool) -> Column:
    known = [figure for figure in figures if figure is not None]
    first = known[0]
    floors, ceilings = [figure.floor for figure in known], [figure.ceiling for figure in known]
    shown = [value for figure in known for value in (*figure.raw, *figure.ema)]
    scale = Scale.over(finite([*shown, *floors, *(ceilings if to_ceiling else ())]), first.better)
    cells = {
        weights: [
            _judged(
                cell(getattr(figure, weights), variant.evaluation.seeds, scale, figure.notes.get(weights, ())), figure
            )
            if figure
            else Cell(NOTHING)
            for figure, variant in zip(figures, variants, strict=True)
        ]
        for weights in ("raw", "ema")
    }
    titles = [variant.title for variant in variants]
    given = {weights: [getattr(figure, weights) if figure else () for figure in figures] for weights in cells}
    better = first.better if first.leads else None  # no table says what leads among the others
    ranked = {weights: _ranked(better, of, given[weights], titles) for weights, of in cells.items()}
    return Column(
        name=first.name,
        label=first.label,
        features=_features(first),
        source=_source(first),
        about=about(first),
        better=first.better,
        note=_note(known),
        floor=_span(floors, known),
        ceiling=_span(ceilings, known),
        floor_at=scale(finite(floors)[0]) if finite(floors) else None,
        logarithmic=scale.logarithmic,
        raw=ranked["raw"][0],
        ema=ranked["ema"][0],
        verdict_raw=ranked["raw"][1],
        verdict_ema=ranked["ema"][1],
    )


def about(figure: Figure) -> str:
    """What the figure is from: network and resizer, numbers of samples, split, and what its floor varies by."""
    said = [source] if (source := _source(figure)) else []
    if figure.floor_deviation is not None:
        said.append(f"floor {number(figure.floor)}, standard deviation over its draws {number(figure.floor_deviation)}")
    errors = finite(figure.errors.get("raw", ()))
    if errors:
        alone = "over its subsets, splits, directions or real samples alone, the standard error of a seed is about"
        said.append(f"{alone} {number(sum(errors) / len(errors))}")
    return "; ".join(said)


def _features(figure: Figure) -> str:
    return "" if figure.network == "none" else f"features: {figure.network}, resizer: {figure.resizer}"


def _source(figure: Figure) -> str:
    said = [features] if (features := _features(figure)) else []
    if figure.generated is not None and figure.real is not None:
        counts = f"{count(figure.generated)} generated against {count(figure.real)} real samples"
        said.append(f"{counts} ({figure.split} split)")
    return "; ".join(said)


def _judged(cell: Cell, figure: Figure) -> Cell:
    """Marks a mean at least as good as the floor, or no better than noise if that is worse than the floor."""
    if cell.value is None or figure.better is None:
        return cell
    sign = 1 if figure.better == "lower" else -1
    floor, ceiling = figure.floor, figure.ceiling
    return replace(
        cell,
        at_floor=floor is not None and sign * cell.value <= sign * floor,
        beyond_ceiling=ceiling is not None
        and sign * cell.value >= sign * ceiling
        and (floor is None or sign * ceiling > sign * floor),
    )


def _ranked(
    better: str | None, cells: Sequence[Cell], values: Sequence[Sequence[Number]], titles: Sequence[str]
) -> tuple[tuple[Cell, ...], Verdict]:
    """Marks the best cell, and says which others can't be told apart from it, as the comparison of variants does."""
    able = [index for index, cell in enumerate(cells) if cell.value is not None]
    if better is None or len(able) < 2:
        return tuple(cells), Verdict(NOTHING, resolved=False)
    order = rank({str(index): of for index, of in enumerate(values) if of}, cast(Better, better))
    if not order.resolved:
        return tuple(cells), Verdict(f"not resolved: fewer than {MIN_SEEDS} seeds", resolved=False)
    best, *others = order.ranks
    rest = sorted(int(place.name) for place in others if not place.lost and not distinct(place.p_best))
    verdict = Verdict(titles[int(best.name)], tuple(titles[index] for index in rest))
    return tuple(replace(c, best=str(index) == best.name) for index, c in enumerate(cells)), verdict


def _note(figures: Sequence[Figure]) -> str:
    """What the notes on all rows and seeds say, once each, and for how many values where it is not all of them."""
    pairs = [
        (note, value)
        for figure in figures
        for weights, notes in figure.notes.items()
        for note, value in zip(notes, getattr(figure, weights), strict=True)
    ]
    total = sum(len(figure.raw) + len(figure.ema) for figure in figures)
    said = []
    for note in dict.fromkeys(note for note, _ in pairs if note):
        values = [value for other, value in pairs if other == note]
        some = f"{len(values)} of {total} " if len(values) < total else ""
        said.append(f"{some}{NOT_COMPUTED}: {note}" if None in values else f"{some and some + 'values: '}{note}")
    return "; ".join(said)


def _span(values: Sequence[Number], figures: Sequence[Figure]) -> str:
    """One number where all rows agree, as they should, else from which to which."""
    known = finite(values)
    if not known:
        why = any(note and None in getattr(f, w) for f in figures for w, notes in f.notes.items() for note in notes)
        return NOT_COMPUTED if why else NOT_FINITE
    said = list(dict.fromkeys(number(value) for value in known))
    return said[0] if len(said) == 1 else f"{number(min(known))} to {number(max(known))}"


def _with_interval(mean: float, half: float) -> tuple[str, str]:
    """A mean with no more digits than its interval allows: two of the interval, at most three of its own."""
    if not (half > 0 and 1e-4 <= abs(mean) < 1e7 and half < 1e7):
        return number(mean), number(half)
    decimals = min(_decimals(mean, 3), _decimals(half, 2))
    shown = half >= 0.5 * 10.0**-decimals
    return _grouped(mean, decimals), _grouped(half, decimals) if shown else number(half)


def _decimals(value: float, digits: int) -> int:
    """How many decimals show so many significant digits of the rounded value."""
    exponent = int(f"{value:.{digits - 1}e}".partition("e")[2])
    return max(0, digits - 1 - exponent)


def _grouped(value: float, decimals: int) -> str:
    return f"{value:,.{decimals}f}".replace("-", MINUS).replace(",", THIN)
