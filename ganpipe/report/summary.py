"""What DVC compares and plots of the selected variant: numbers, the histories as one table, a picture."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from ganpipe.files import write_whole
from ganpipe.looks import SOURCE
from ganpipe.report.curves import mean_curve
from ganpipe.report.evaluations import Evaluation, Figure
from ganpipe.report.read import Series, read_variant
from ganpipe.report.table import cell
from ganpipe.statistics import finite

Metrics = dict[str, Any]


def summary_metrics(evaluation: Evaluation) -> Metrics:
    """For metrics.json: the leading figures of the last weights by name, under `ema` those of the averaged ones, under
    `more` the other figures of the last weights, and under `from` what the first figure is from.

    What is unknown or not finite is left out: the mean where a seed has no finite value, one seed's interval.
    """
    leading = [figure for figure in evaluation.figures if figure.leads]
    metrics: Metrics = {figure.name: _numbers(evaluation, figure, "raw") for figure in leading}
    groups = {
        "ema": {f.name: _numbers(evaluation, f, "ema") for f in leading if f.ema},
        "more": {f.name: _numbers(evaluation, f, "raw") for f in evaluation.figures if not f.leads},
        "from": {key: said for of in leading[:1] for key in SOURCE if (said := getattr(of, key)) is not None},
    }
    return metrics | {name: group for name, group in groups.items() if group}


def summary_plots(root: Path, spec: dict[str, Any], row: str, folder: Path) -> None:
    """Writes `history.csv`, the mean over the seeds at the steps that all of them have, and `samples.png`, the last
    grid of the first seed.

    One line a quantity: `dvc plots diff` lays those of two experiments over each other.
    """
    variant = read_variant(root, str(spec["data"]), row)
    names = list(dict.fromkeys(name for run in variant.runs for name in run.history))
    rows: dict[int, dict[str, float]] = {}
    for name in names:
        mean = mean_curve([run.history.get(name, Series((), ())) for run in variant.runs])
        for step, value in zip(mean.steps, mean.values, strict=True):
            rows.setdefault(step, {})[name] = value
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["step", *names])
    for step, values in sorted(rows.items()):
        writer.writerow([step, *(values.get(name, "") for name in names)])
    write_whole(folder / "history.csv", text.getvalue().encode())
    grid = next((run.grids[-1].png for run in variant.runs if run.grids), None)
    write_whole(folder / "samples.png", grid if grid is not None else _blank())


def _numbers(evaluation: Evaluation, figure: Figure, weights: str) -> dict[str, float]:
    said = cell(getattr(figure, weights), evaluation.seeds)
    numbers = {
        "mean": said.value,
        "low": said.low,
        "high": said.high,
        "floor": figure.floor,
        "ceiling": figure.ceiling,
    }
    return {name: value for name, value in numbers.items() if value is not None and finite([value])}


def _blank() -> bytes:
    """A white picture, where there is nothing to show: DVC wants the file in any case."""
    import io

    from PIL import Image

    buffer = io.BytesIO()
    Image.new("L", (64, 64), 255).save(buffer, format="PNG")
    return buffer.getvalue()
