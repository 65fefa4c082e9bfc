"""The leading figure at moments of the training: how fast a variant gets there, and whether it stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ganpipe import looks
from ganpipe.report.evaluations import Course
from ganpipe.report.read import Series, Variant
from ganpipe.report.table import NOTHING, Cell, cell, count, number
from ganpipe.statistics import Number


@dataclass(frozen=True)
class Row:
    """One variant with one kind of weights. last: at the last moment. best: of each seed, whenever it was.

    at: the steps of the best moments, the earliest of equal ones. at_moments: one cell for each share of the training.
    """

    row: str
    title: str
    at_moments: tuple[Cell, ...]
    best: Cell
    at: str
    last: Cell


@dataclass(frozen=True)
class Table:
    """shares: of the training, in per cent, the columns. generated: how many samples each value is from. others: titles
    of the variants that were looked at another number of times, which are not in the table.
    """

    label: str
    better: str | None
    floor: str
    generated: str
    shares: tuple[str, ...]
    raw: tuple[Row, ...]
    ema: tuple[Row, ...]
    others: tuple[str, ...]


def over_time(variants: Sequence[Variant]) -> Table | None:
    """The first figure at each moment, of all variants for which as many moments were planned as for most of them.

    A seed that ended early has no value from there on. None where no variant has any moment.
    """
    looked = [variant for variant in variants if variant.evaluation.moments and variant.evaluation.moments.figures]
    if not looked:
        return None
    counts = [_planned(variant) for variant in looked]
    most = max(set(counts), key=counts.count)
    rows = {"raw": list[Row](), "ema": list[Row]()}
    courses, generated = list[Course](), list[int]()
    for variant in looked:
        moments = variant.evaluation.moments
        if moments is not None and _planned(variant) == most:
            courses.append(moments.figures[0])
            generated.append(moments.generated)
            for weights, of in rows.items():
                missing = (None,) * (most - len(moments.steps))
                values = [(*seed, *missing) for seed in getattr(courses[-1], weights)]
                of.append(_row(variant, (*moments.steps, *(0 for _ in missing)), courses[-1], values))
    floors = dict.fromkeys(number(course.floor) for course in courses)
    return Table(
        label=courses[0].label,
        better=courses[0].better,
        floor=" to ".join(floors),
        generated=" to ".join(dict.fromkeys(count(value) for value in sorted(generated))),
        shares=tuple(f"{100 * (k + 1) / most:.0f} %" for k in range(most)),
        raw=tuple(rows["raw"]),
        ema=tuple(rows["ema"]),
        others=tuple(variant.title for variant in looked if _planned(variant) != most),
    )


def _planned(variant: Variant) -> int:
    """How many moments the training would have had; those that were reached where no run says it."""
    planned = [len(variant.evaluation.moments.steps) if variant.evaluation.moments else 0]
    for run in variant.runs:
        steps, said = run.parameters.get("steps"), run.parameters.get("moments")
        if isinstance(steps, int) and isinstance(said, Mapping) and "count" in said:
            planned.append(len(looks.moments(steps, int(said["count"]))))
    return max(planned)


def curves(variant: Variant, weights: str) -> list[tuple[str, list[Series]]]:
    """Every figure over the steps, a series per seed, for drawing."""
    moments = variant.evaluation.moments
    if moments is None:
        return []
    return [
        (course.label, [_series(moments.steps, values) for values in getattr(course, weights)])
        for course in moments.figures
    ]


def _series(steps: Sequence[int], values: Sequence[Number]) -> Series:
    pairs = [(step, value) for step, value in zip(steps, values, strict=True) if value is not None]
    return Series(tuple(step for step, _ in pairs), tuple(value for _, value in pairs))


def _row(variant: Variant, steps: Sequence[int], course: Course, values: Sequence[Sequence[Number]]) -> Row:
    seeds, sign = variant.evaluation.seeds, 1 if course.better == "lower" else -1
    best: list[Number] = []
    at: list[int] = []
    for of in values:
        known = [(sign * value, step, value) for step, value in zip(steps, of, strict=True) if value is not None]
        best.append(min(known)[2] if known else None)
        at += [min(known)[1]] if known else []
    return Row(
        row=variant.row,
        title=variant.title,
        at_moments=tuple(cell([of[k] for of in values], seeds) for k in range(len(steps))),
        best=cell(best, seeds),
        at=" to ".join(dict.fromkeys(count(step) for step in (min(at), max(at)))) if at else NOTHING,
        last=cell([of[-1] for of in values], seeds),
    )
