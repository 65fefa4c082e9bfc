"""What DVC compares and plots of the selected variant: numbers, the histories as one table, a picture."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ganpipe.report.charts import mean_curve
from ganpipe.report.evaluations import Evaluation, Metric, Weights
from ganpipe.report.read import Series, read_variant
from ganpipe.statistics import finite, summary
from ganpipe.utils.io import write_bytes

MOST = 12


def summary_metrics(evaluation: Evaluation) -> dict[str, Any]:
    """For metrics.json, at most MOST numbers, each a column of `dvc exp show`: the main metric of the last weights
    with its interval, the means of other leading ones, under `ema` the main one of the averaged weights, and `status`.

    What is unknown or not finite is left out: the mean where a seed has no finite value, one seed's interval.
    """
    if evaluation.not_applicable:
        return {"status": "not applicable"}
    leading = [(name, metric) for name, metric in evaluation.metrics.items() if metric.in_main_table]
    found: dict[str, Any] = {}
    for name, metric in leading[:1]:
        found[name] = _numbers(metric, "raw", ("mean", "low", "high", "real_baseline"))
        found["ema"] = {name: _numbers(metric, "ema", ("mean",))} if metric.ema else {}
    for name, metric in leading[1 : MOST - 4]:
        found[name] = _numbers(metric, "raw", ("mean",))
    return {name: group for name, group in found.items() if group} | {"status": _status(evaluation)}


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


def _numbers(metric: Metric, weights: Weights, names: Sequence[str]) -> dict[str, float]:
    s = summary(metric.of(weights))
    interval = {} if s.lost else {"mean": s.mean, "low": s.low, "high": s.high}
    numbers = {**interval, "real_baseline": metric.real_baseline}
    return {name: value for name in names if (value := numbers.get(name)) is not None and finite([value])}


def _status(evaluation: Evaluation) -> str:
    """`ok`, or how many seeds have which status: `collapsed (2 of 3)`."""
    counts = Counter(status.kind for status in evaluation.statuses if status)
    return ", ".join(f"{kind} ({n} of {len(evaluation.seeds)})" for kind, n in counts.items()) or "ok"


def _blank() -> bytes:
    """A white picture, where there is nothing to show: DVC wants the file in any case."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.new("L", (64, 64), 255).save(buffer, format="PNG")
    return buffer.getvalue()
