"""The cells and columns of the tables of metrics: means with their intervals, where seeds lie, and what leads."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ganpipe.report.evaluations import WEIGHTS, Metric, Weights
from ganpipe.report.formats import NOT_COMPUTED, NOT_FINITE, NOTHING, count, mean_and_half, number
from ganpipe.report.read import Variant
from ganpipe.statistics import MIN_SEEDS, Better, Number, distinct, finite, rank, summary


@dataclass(frozen=True)
class Cell:
    """One metric of one variant, ready to print.

    half: of the 95 % interval of the mean. lost: how many seeds have no finite value. low, high: the interval. dots,
    bar: where the seeds and the interval lie, in per cent of the column's scale. like_real, like_noise: the mean is as
    good as the real-data baseline, no better than the noise baseline.
    """

    mean: str
    half: str = ""
    lost: str = ""
    tooltip: str = ""
    value: Number = None
    low: Number = None
    high: Number = None
    dots: tuple[float, ...] = ()
    bar: tuple[float, float] | None = None
    like_real: bool = False
    like_noise: bool = False
    best: bool = False


@dataclass(frozen=True)
class Leader:
    """Which variant has the best mean, or why none has, and the variants that can't be told apart from it."""

    text: str
    tied: tuple[str, ...] = ()
    resolved: bool = True


@dataclass(frozen=True)
class Column:
    """One metric over all variants. features: the network and its resizer, "" for points.

    source: features, numbers of samples and split. about: the source, and how far the values are known. note: why some
    were not computed, or what to know of them. real, noise: the baselines. real_at: where the first lies on the scale.
    misleading: noise scores better than real data.
    """

    name: str
    label: str
    better: Better | None
    features: str
    source: str
    about: str
    note: str
    real: str
    noise: str
    real_at: float | None
    logarithmic: bool
    misleading: bool
    cells: dict[Weights, tuple[Cell, ...]]
    leaders: dict[Weights, Leader]


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
        return round(100 * (at - low) / (high - low), 2) if high > low else 50.0


def cell(
    values: Sequence[Number], seeds: Sequence[int], scale: Scale | None = None, notes: Sequence[str | None] = ()
) -> Cell:
    """Mean and 95 % t interval over the seeds; no mean where a seed has no finite value: it would hide that.

    notes: one per seed, where there are any; that of a seed without a value is why it was not computed.
    """
    if not values:
        return Cell(NOTHING)
    notes = notes or (None,) * len(values)
    tooltip = " \u00b7 ".join(
        f"seed {seed}: {_with_note(value, note)}" for seed, value, note in zip(seeds, values, notes, strict=False)
    )
    s = summary(values)
    plain = Cell(NOT_FINITE, tooltip=tooltip, dots=tuple(scale(value) for value in finite(values)) if scale else ())
    if any(value is None and note for value, note in zip(values, notes, strict=True)):
        return replace(plain, mean=NOT_COMPUTED)
    if s.mean is None or s.lost:
        return replace(plain, lost=f"{s.lost} of {len(values)} seeds" if s.n else "")
    if s.low is None or s.high is None:
        return replace(plain, mean=number(s.mean), value=s.mean)
    mean, half = mean_and_half(s.mean, (s.high - s.low) / 2)
    return replace(
        plain,
        mean=mean,
        half=half,
        tooltip=f"{tooltip}\n95 % interval of the mean: {number(s.low)} to {number(s.high)}",
        value=s.mean,
        low=s.low,
        high=s.high,
        bar=(scale(s.low), scale(s.high)) if scale else None,
    )


def _with_note(value: Number, note: str | None) -> str:
    if value is None and note:
        return f"{NOT_COMPUTED}, as {note}"
    return f"{number(value)} ({note})" if note else number(value)


def columns(variants: Sequence[Variant], to_noise: bool = False, leading: bool = True) -> list[Column]:
    """Every metric that any variant has and that stands in the first table, or in the second one, in their order.

    to_noise: the scale on which the seeds are drawn ends at the noise baseline, else at the worst seed.
    """
    names = dict.fromkeys(
        n for v in variants for n, metric in v.evaluation.metrics.items() if metric.in_main_table == leading
    )
    return [_column(name, variants, to_noise) for name in names]


def _column(name: str, variants: Sequence[Variant], to_noise: bool) -> Column:
    metrics = [variant.evaluation.metrics.get(name) for variant in variants]
    known = [metric for metric in metrics if metric is not None]
    first, titles = known[0], [variant.title for variant in variants]
    real, noise = [metric.real_baseline for metric in known], [metric.noise_baseline for metric in known]
    values = [value for metric in known for weights in WEIGHTS for value in metric.of(weights)]
    scale = Scale.over(finite([*values, *real, *(noise if to_noise else ())]), first.better)
    cells: dict[Weights, tuple[Cell, ...]] = {}
    leaders: dict[Weights, Leader] = {}
    for weights in WEIGHTS:
        pairs = zip(metrics, variants, strict=True)
        made = [_metric_cell(m, weights, v.evaluation.seeds, scale) if m else Cell(NOTHING) for m, v in pairs]
        given = [metric.of(weights) if metric else () for metric in metrics]
        # no table says what leads among the metrics of the second table
        cells[weights], leaders[weights] = _ranked(first.better if first.in_main_table else None, made, given, titles)
    return Column(
        name=name,
        label=first.label,
        better=first.better,
        features=_features(first),
        source=_source(first),
        about=_about(first),
        note=_notes(known),
        real=_span(real, known),
        noise=_span(noise, known),
        real_at=scale(finite(real)[0]) if finite(real) else None,
        logarithmic=scale.logarithmic,
        misleading=any(_noise_beats_real(metric) for metric in known),
        cells=cells,
        leaders=leaders,
    )


def _metric_cell(metric: Metric, weights: Weights, seeds: Sequence[int], scale: Scale) -> Cell:
    """Marks a mean at least as good as real data, or no better than noise if that is worse than real data."""
    made = cell(metric.of(weights), seeds, scale, metric.notes_of(weights))
    if made.value is None or metric.better is None:
        return made
    sign, real, noise = 1 if metric.better == "lower" else -1, metric.real_baseline, metric.noise_baseline
    return replace(
        made,
        like_real=real is not None and sign * made.value <= sign * real,
        like_noise=noise is not None
        and sign * made.value >= sign * noise
        and (real is None or sign * noise > sign * real),
    )


def _noise_beats_real(metric: Metric) -> bool:
    real, noise, sign = metric.real_baseline, metric.noise_baseline, 1 if metric.better == "lower" else -1
    return metric.better is not None and real is not None and noise is not None and sign * noise < sign * real


def _ranked(
    better: Better | None, cells: Sequence[Cell], values: Sequence[Sequence[Number]], titles: Sequence[str]
) -> tuple[tuple[Cell, ...], Leader]:
    """Marks the best cell, and finds which others can't be told apart from it, as the comparison of variants does."""
    if better is None or sum(made.value is not None for made in cells) < 2:
        return tuple(cells), Leader(NOTHING, resolved=False)
    order = rank({str(index): of for index, of in enumerate(values) if of}, better)
    if not order.resolved:
        return tuple(cells), Leader(f"not resolved: fewer than {MIN_SEEDS} seeds", resolved=False)
    best, *others = order.ranks
    tied = sorted(int(other.name) for other in others if not other.lost and not distinct(other.p_best))
    leader = Leader(titles[int(best.name)], tuple(titles[index] for index in tied))
    return tuple(replace(made, best=str(index) == best.name) for index, made in enumerate(cells)), leader


def _features(metric: Metric) -> str:
    return "" if metric.network == "none" else f"features: {metric.network}, resizer: {metric.resizer}"


def _source(metric: Metric) -> str:
    counts = ""
    if metric.generated is not None and metric.real is not None:
        counts = f"{count(metric.generated)} generated against {count(metric.real)} real samples ({metric.split} split)"
    return "; ".join(filter(None, [_features(metric), counts]))


def _about(metric: Metric) -> str:
    """What the metric is from, and by how much its baseline and its values vary without any other training."""
    parts = [_source(metric)]
    if metric.real_baseline_std is not None:
        parts.append(f"real data {number(metric.real_baseline)}, std over its draws {number(metric.real_baseline_std)}")
    if errors := finite((metric.errors or {}).get("raw", ())):
        parts.append(f"standard error of a seed's value {number(sum(errors) / len(errors))}, of its own draws alone")
    return "; ".join(filter(None, parts))


def _notes(metrics: Sequence[Metric]) -> str:
    """The notes of all variants and seeds, once each, and for how many values where it is not all of them."""
    pairs = list(_noted(metrics))
    texts = []
    for note in dict.fromkeys(note for note, _ in pairs if note):
        values = [value for other, value in pairs if other == note]
        some = f"{len(values)} of {len(pairs)} " if len(values) < len(pairs) else ""
        texts.append(f"{some}{NOT_COMPUTED}: {note}" if None in values else f"{some and some + 'values: '}{note}")
    return "; ".join(texts)


def _noted(metrics: Sequence[Metric]) -> Iterator[tuple[str | None, Number]]:
    """Every value of every seed with its note."""
    for metric in metrics:
        for weights in WEIGHTS:
            values = metric.of(weights)
            yield from zip(metric.notes_of(weights) or (None,) * len(values), values, strict=True)


def _span(values: Sequence[Number], metrics: Sequence[Metric]) -> str:
    """One number where all variants agree, as they should, else "least to largest"."""
    known = finite(values)
    if not known:
        return NOT_COMPUTED if any(note and value is None for note, value in _noted(metrics)) else NOT_FINITE
    return " to ".join(dict.fromkeys(number(value) for value in (min(known), max(known))))
