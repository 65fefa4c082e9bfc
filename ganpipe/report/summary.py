"""What DVC compares and plots of the selected variant: numbers, the histories as one table, a picture."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from ganpipe.report.curves import mean_curve
from ganpipe.report.evaluations import Evaluation, Metric, Weights
from ganpipe.report.read import Series, read_variant
from ganpipe.statistics import finite, summary
from ganpipe.utils.conventions import SOURCE
from ganpipe.utils.io import write_bytes


def summary_metrics(evaluation: Evaluation) -> dict[str, Any]:
    """For metrics.json: the leading metrics of the last weights by name, under `ema` those of the averaged ones, under
    `more` the other metrics of the last weights, and under `from` what the first metric is from.

    What is unknown or not finite is left out: the mean where a seed has no finite value, one seed's interval.
    """
    leading = {name: metric for name, metric in evaluation.metrics.items() if metric.in_main_table}
    others = {name: metric for name, metric in evaluation.metrics.items() if not metric.in_main_table}
    source = next(iter(leading.values())).model_dump(include=set(SOURCE), exclude_none=True) if leading else {}
    groups = {
        "ema": {name: _numbers(metric, "ema") for name, metric in leading.items() if metric.ema},
        "more": {name: _numbers(metric, "raw") for name, metric in others.items()},
        "from": source,
    }
    metrics = {name: _numbers(metric, "raw") for name, metric in leading.items()}
    return metrics | {name: group for name, group in groups.items() if group}


def summary_plots(root: Path, spec: dict[str, Any], name: str, folder: Path) -> None:
    """Writes `history.csv`, the mean over the seeds at the steps that all of them have, and `samples.png`, the last
    grid of the first seed.

    One line a quantity: `dvc plots diff` lays those of two experiments over each other.
    """
    runs = read_variant(root, str(spec["data"]), name).runs
    names = list(dict.fromkeys(name for run in runs for name in run.history))
    means = {name: mean_curve([run.history.get(name, Series((), ())) for run in runs]) for name in names}
    rows: dict[int, dict[str, float]] = {}
    for name, mean in means.items():
        for step, value in zip(mean.steps, mean.values, strict=True):
            rows.setdefault(step, {"step": step})[name] = value
    text = io.StringIO()
    writer = csv.DictWriter(text, ["step", *names], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows[step] for step in sorted(rows))
    write_bytes(folder / "history.csv", text.getvalue().encode())
    grid = next((run.grids[-1] for run in runs if run.grids), None)
    write_bytes(folder / "samples.png", grid.path.read_bytes() if grid else _blank())


def _numbers(metric: Metric, weights: Weights) -> dict[str, float]:
    s = summary(metric.of(weights))
    interval = {} if s.lost else {"mean": s.mean, "low": s.low, "high": s.high}
    numbers = {**interval, "real_baseline": metric.real_baseline, "noise_baseline": metric.noise_baseline}
    return {name: value for name, value in numbers.items() if value is not None and finite([value])}


def _blank() -> bytes:
    """A white picture, where there is nothing to show: DVC wants the file in any case."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.new("L", (64, 64), 255).save(buffer, format="PNG")
    return buffer.getvalue()
