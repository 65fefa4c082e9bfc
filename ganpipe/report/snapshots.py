"""The main metric at snapshots of the training: how fast a variant gets there, and whether it stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ganpipe.report.charts import Chart, rounded
from ganpipe.report.evaluations import WEIGHTS, Course, Snapshots, Weights
from ganpipe.report.formats import NOTHING, count, extent, number
from ganpipe.report.read import Series, Variant
from ganpipe.report.table import Cell, cell
from ganpipe.statistics import Better, Number
from ganpipe.utils.conventions import snapshot_steps


@dataclass(frozen=True)
class VariantRow:
    """A row of the table: one variant with one kind of weights. cells: one for each share of the training.

    best: of each seed, at any time. best_steps: the steps of the best snapshots, the earliest of equal ones.
    """

    variant: str
    title: str
    cells: tuple[Cell, ...]
    best: Cell
    best_steps: str


@dataclass(frozen=True)
class SnapshotTable:
    """shares: of the training, in per cent, the columns. generated: how many samples each value is from.

    real_baseline: as text. others: titles of the variants with another number of snapshots, which are left out.
    """

    label: str
    better: Better | None
    real_baseline: str
    generated: str
    shares: tuple[str, ...]
    rows: dict[Weights, tuple[VariantRow, ...]]
    others: tuple[str, ...]


def over_time(variants: Sequence[Variant]) -> SnapshotTable | None:
    """The first metric at the evenly spaced snapshots, of all variants for which as many were planned as for most.

    A seed that ended early has no value from there on. None where no variant has any snapshot.
    """
    found = [(v, of) for v in variants if (of := v.evaluation.snapshots) and of.metrics]
    if not found:
        return None
    planned = {v.name: _planned(v, of) for v, of in found}
    counts = [len(steps) for steps in planned.values()]
    most = max(counts, key=counts.count)
    kept = [(v, of, next(iter(of.metrics.values()))) for v, of in found if len(planned[v.name]) == most]
    first = kept[0][2]
    return SnapshotTable(
        label=first.label,
        better=first.better,
        real_baseline=" to ".join(dict.fromkeys(number(course.real_baseline) for _, _, course in kept)),
        generated=" to ".join(dict.fromkeys(count(of.generated) for _, of, _ in kept)),
        shares=tuple(f"{100 * (k + 1) / most:.0f} %" for k in range(most)),
        rows={w: tuple(_row(v, of.steps, course, w, planned[v.name]) for v, of, course in kept) for w in WEIGHTS},
        others=tuple(v.title for v, _ in found if len(planned[v.name]) != most),
    )


def chart(table: SnapshotTable, weights: Weights) -> Chart:
    """The metric over the shares of the training: a line for each variant, its mean over the seeds."""
    shares = [100 * (k + 1) / len(table.shares) for k in range(len(table.shares))]
    points = {
        row.title: [(x, rounded(of.value)) for x, of in zip(shares, row.cells, strict=True)]
        for row in table.rows[weights]
    }
    lines = [{"name": title, "points": of} for title, of in points.items()]
    values = [y for of in points.values() for _, y in of if y is not None]
    log = bool(values) and table.better == "lower" and 0 < 20 * min(values) < max(values)
    spec = {"x": "% of the steps", "y": table.label, "series": "variant", "height": 380, "lines": lines, "log": log}
    return Chart(table.label, "", f"{table.label} of {len(lines)} variants over their trainings", spec)


def curves(variant: Variant, weights: Weights) -> dict[str, list[Series]]:
    """Every metric over the steps by its label, a series per seed, for drawing."""
    found = variant.evaluation.snapshots
    courses = found.metrics.values() if found else ()
    return {course.label: [_series(found.steps, seed) for seed in course.of(weights)] for course in courses if found}


def _planned(variant: Variant, found: Snapshots) -> list[int]:
    """After which steps the training would have had evenly spaced snapshots; all found where no run states it."""
    for parameters in (run.parameters for run in variant.runs):
        if "steps" in parameters and "snapshots" in parameters:
            return snapshot_steps(parameters["steps"], parameters["snapshots"]["count"])
    return list(found.steps)


def _series(steps: Sequence[int], values: Sequence[Number]) -> Series:
    pairs = [(step, value) for step, value in zip(steps, values, strict=True) if value is not None]
    return Series(tuple(step for step, _ in pairs), tuple(value for _, value in pairs))


def _row(
    variant: Variant, steps: Sequence[int], course: Course, weights: Weights, planned: Sequence[int]
) -> VariantRow:
    seeds, sign = variant.evaluation.seeds, 1 if course.better == "lower" else -1
    by_step = [dict(zip(steps, values, strict=True)) for values in course.of(weights)]
    padded = [[values.get(step) for step in planned] for values in by_step]
    signed = [[(sign * v, step, v) for step, v in zip(planned, of, strict=True) if v is not None] for of in padded]
    best = [min(of) if of else None for of in signed]
    return VariantRow(
        variant=variant.name,
        title=variant.title,
        cells=tuple(cell(at_snapshot, seeds) for at_snapshot in zip(*padded, strict=True)),
        best=cell([one[2] if one else None for one in best], seeds),
        best_steps=extent([one[1] for one in best if one]) or NOTHING,
    )
