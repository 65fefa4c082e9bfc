"""What DVC compares and plots of the selected variant: numbers, the histories as one table, a picture."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from ganpipe.report.read import Evaluation, Figure, finite, read_variant
from ganpipe.report.table import cell

Metrics = dict[str, Any]


def headline_metrics(evaluation: Evaluation) -> Metrics:
    """For metrics.json: the figures of the last weights by name, and under `ema` those of the averaged ones.

    What is unknown or not finite is left out: the mean where a seed has no finite value, one seed's interval.
    """
    metrics: Metrics = {figure.name: _numbers(evaluation, figure, "raw") for figure in evaluation.figures}
    averaged = {f.name: _numbers(evaluation, f, "ema") for f in evaluation.figures if f.ema}
    return {**metrics, "ema": averaged} if averaged else metrics


def headline_plots(root: Path, spec: dict[str, Any], row: str, folder: Path) -> None:
    """Writes `history.csv`, the rows of all seeds, and `samples.png`, the last grid of the first seed."""
    variant = read_variant(root, str(spec["data"]), row)
    folder.mkdir(parents=True, exist_ok=True)
    names = list(dict.fromkeys(name for run in variant.runs for name in run.history))
    with (folder / "history.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["step", "seed", *names])
        for run in variant.runs:
            columns = {name: dict(zip(s.steps, s.values, strict=True)) for name, s in run.history.items()}
            for step in sorted({step for column in columns.values() for step in column}):
                writer.writerow([step, run.seed, *(columns.get(name, {}).get(step, "") for name in names)])
    grid = next((run.grids[-1].png for run in variant.runs if run.grids), None)
    (folder / "samples.png").write_bytes(grid if grid is not None else _blank())


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
