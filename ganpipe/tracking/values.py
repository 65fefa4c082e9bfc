"""Names and numbers as MLflow shows them: the main metrics bare, everything else under a prefix."""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ganpipe.statistics import finite, summary

VALUE_LIMIT = 500  # characters of a parameter's value
Point = tuple[str, int]
"""A metric's name and a step."""


def flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """`{"objective": {"kind": "lsgan"}}` as `{"objective.kind": "lsgan"}`; lists of mappings count from 0."""
    flat: dict[str, str] = {}
    for key, value in tree.items():
        name = clean_name(f"{prefix}.{key}" if prefix else str(key))
        if isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
            value = {str(number): item for number, item in enumerate(value)}
        if isinstance(value, Mapping) and value:
            flat |= flatten(value, name)
        else:
            text = value if isinstance(value, str) else json.dumps(value, default=str)
            flat[name] = text if len(text) <= VALUE_LIMIT else text[: VALUE_LIMIT - 3] + "..."
    return flat


def clean_name(text: str) -> str:
    """A name that MLflow takes: other characters become underscores."""
    return re.sub(r"[^\w\-. :/]", "_", text, flags=re.ASCII)[:250]


def history(path: Path) -> dict[Point, float]:
    """The whole lines of a history.csv, which may be growing, as `train/<column>`; {} without one."""
    text = path.read_text() if path.is_file() else ""
    found: dict[Point, float] = {}
    for row in csv.DictReader(text[: text.rfind("\n") + 1].splitlines()):
        step = int(row.pop("step"))
        found |= {(clean_name(f"train/{column}"), step): float(cell) for column, cell in row.items() if cell}
    return found


def of_seed(evaluation: Mapping[str, Any], seed: int, last: int) -> dict[Point, float]:
    """The metrics of one seed, if it is evaluated: at its last step, and at those of its snapshots before."""
    seeds = list(evaluation.get("seeds") or ())
    if seed not in seeds:
        return {}
    index = seeds.index(seed)
    return _evaluated(evaluation, lambda values: next(iter(finite(values[index : index + 1])), None), last)


def of_variant(evaluation: Mapping[str, Any], last: int) -> dict[Point, float]:
    """The means over the seeds, none where a seed has no value, and the 95 % intervals of the main metrics."""

    def mean(values: Sequence[Any]) -> float | None:
        found = summary(values)
        return None if found.lost else found.mean

    points = _evaluated(evaluation, mean, last)
    for name, metric in evaluation["metrics"].items():
        found = summary(metric["raw"])
        if metric["in_main_table"] and not found.lost and found.low is not None and found.high is not None:
            points |= {
                (clean_name(f"more/low/{name}"), last): found.low,
                (clean_name(f"more/high/{name}"), last): found.high,
            }
    return points


def _evaluated(
    evaluation: Mapping[str, Any], pick: Callable[[Sequence[Any]], float | None], last: int
) -> dict[Point, float]:
    metrics, found = evaluation["metrics"], {}
    snapshots = evaluation.get("snapshots") or {"steps": [], "metrics": {}}
    for weights in ("raw", "ema"):
        for name, metric in metrics.items():
            found[_place(name, weights, metrics), last] = pick(metric[weights])
        for name, course in snapshots["metrics"].items():
            for index, step in enumerate(snapshots["steps"]):
                if step < last:
                    found[_place(name, weights, metrics), step] = pick([of_seed[index] for of_seed in course[weights]])
    return {point: value for point, value in found.items() if value is not None and math.isfinite(value)}


def _place(name: str, weights: str, metrics: Mapping[str, Any]) -> str:
    """Where a metric stands: the main ones in front, which on a page of charts is the section `ema`."""
    in_front = name in metrics and metrics[name]["in_main_table"]
    return clean_name(("" if in_front else "more/") + ("ema/" if weights == "ema" else "") + name)


def status(found: Mapping[str, Any] | None) -> dict[str, str]:
    """A status as tags."""
    if found is None:
        return {"status": "healthy"}
    return {"status": str(found["kind"]), "status.reason": str(found["reason"])[:VALUE_LIMIT]}


def statuses(evaluation: Mapping[str, Any]) -> dict[str, str]:
    """Those of all seeds as one tag: `healthy`, or how many are what."""
    kinds = [one["kind"] if one else "healthy" for one in evaluation.get("statuses") or ()]
    counts = [f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds)]
    return {"status": "healthy" if set(kinds) <= {"healthy"} else ", ".join(counts)}
