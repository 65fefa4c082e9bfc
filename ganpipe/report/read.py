"""Reads what the stages wrote into frozen dataclasses. The formats are described in CONTRIBUTING.md."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from ganpipe.errors import BadInput
from ganpipe.report.evaluations import Evaluation, evaluation_of, number_of
from ganpipe.statistics import Number

_T = TypeVar("_T")
_P = ParamSpec("_P")


@dataclass(frozen=True)
class Series:
    """One column of a history, without the rows where it is empty. Values need not be finite."""

    steps: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True)
class Clock:
    """`clocks/<data>/train/<row>/<seed>.json`."""

    seconds: Number = None
    steps_per_second: Number = None


@dataclass(frozen=True)
class Grid:
    """A picture of samples from the fixed noise, after so many steps."""

    step: int
    png: bytes = field(repr=False)
    width: int
    height: int


@dataclass(frozen=True)
class Run:
    """`runs/<data>/<row>/<seed>/` and its clock."""

    seed: int
    parameters: Mapping[str, Any]
    versions: Mapping[str, Any]
    device: Any
    runtime: Mapping[str, Any]
    history: Mapping[str, Series]
    grids: tuple[Grid, ...]
    clock: Clock


@dataclass(frozen=True)
class Variant:
    """All that the pages say of one row."""

    row: str
    title: str
    evaluation: Evaluation
    runs: tuple[Run, ...]
    pretrain: Mapping[str, Any]

    @property
    def not_applicable(self) -> str | None:
        """Why the row makes no sense on this data, where it makes none."""
        return self.evaluation.not_applicable


@dataclass(frozen=True)
class Zoo:
    """The variants in order, the classifier that gave the features, and what the spec asked for.

    lacking: titles of the rows that it asked for and that have no result, by row.
    """

    data: str
    loss: str | None
    seeds: tuple[int, ...]
    variants: tuple[Variant, ...]
    classifier: Mapping[str, Any]
    lacking: Mapping[str, str] = field(default_factory=dict)


def read_zoo(root: Path, spec: Mapping[str, Any]) -> Zoo:
    """Reads every row that the spec lists and that was evaluated; that none was is an error."""
    data, titles, rows = str(spec["data"]), spec.get("titles") or {}, list(spec["rows"])
    # under DVC all of them are there, unless `ganpipe sweep` makes the page of what did not fail
    there = [row for row in rows if (root / f"evals/{data}/{row}.json").is_file()] or rows
    classifier = read_json(root, f"classifiers/{data}/classifier.json")
    return Zoo(
        data=data,
        loss=spec.get("loss"),
        seeds=tuple(spec["seeds"]),
        variants=tuple(read_variant(root, data, row, titles.get(row)) for row in there),
        classifier=_applicable(classifier),
        lacking={row: str(titles.get(row) or row) for row in rows if row not in there},
    )


def read_variant(root: Path, data: str, row: str, title: str | None = None) -> Variant:
    """Reads the evaluation of a row and the runs of the seeds that it evaluated."""
    evaluation = read_evaluation(root, data, row)
    runs = [] if evaluation.not_applicable else [read_run(root, data, row, s) for s in evaluation.seeds]
    pretrain = read_json(root, f"pretrained/{data}/{row}/pretrain.json")
    return Variant(
        row=row,
        title=title or evaluation.title,
        evaluation=evaluation,
        runs=tuple(run for run in runs if run is not None),
        pretrain=_applicable(pretrain),
    )


def read_evaluation(root: Path, data: str, row: str) -> Evaluation:
    """Reads `evals/<data>/<row>.json`, which has to be there."""
    name = f"evals/{data}/{row}.json"
    content = read_json(root, name)
    if not content:
        raise BadInput(f"{name} is missing: evaluate the row {row!r} first, or take it off the list of rows.")
    return _shaped(name, evaluation_of, name, row, content)


def read_run(root: Path, data: str, row: str, seed: int) -> Run | None:
    """Reads the folder of one training, or None where there is no such folder."""
    name = f"runs/{data}/{row}/{seed}"
    content = read_json(root, f"{name}/run.json")
    if not content:
        return None
    clock = read_json(root, f"clocks/{data}/train/{row}/{seed}.json")
    return Run(
        seed=seed,
        parameters=content.get("parameters") or {},
        versions=content.get("versions") or {},
        device=content.get("device"),
        runtime=content.get("runtime") or {},
        history=_shaped(f"{name}/history.csv", _history, root / name / "history.csv"),
        grids=_grids(root, f"{name}/grids"),
        clock=Clock(number_of(clock.get("seconds")), number_of(clock.get("steps_per_second"))),
    )


def read_json(root: Path, name: str) -> dict[str, Any]:
    """The mapping in a JSON file below `root`, empty where there is no such file."""
    try:
        content = json.loads((root / name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise BadInput(f"{name} is not JSON ({error}): delete it and run its stage again.") from error
    if not isinstance(content, dict):
        raise BadInput(f"{name} should hold a mapping, not a {type(content).__name__}: run its stage again.")
    return content


def _applicable(content: dict[str, Any]) -> dict[str, Any]:
    """What a stage found, empty where it had nothing to do."""
    return {} if content.get("not_applicable") else {k: v for k, v in content.items() if k != "not_applicable"}


def _shaped(name: str, read: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """Runs a reader and turns a wrong shape of the file into one sentence."""
    try:
        return read(*args, **kwargs)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        reason = f"lacks the key {error}" if isinstance(error, KeyError) else f"has an unknown shape ({error})"
        raise BadInput(f"{name} {reason}: run its stage again.") from error


def _history(path: Path) -> dict[str, Series]:
    """The columns of a history but for `step`, and for `verdict`, which the pages say in words; a column without any
    value is left out."""
    if not path.exists():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = [name for name in (rows[0] if rows else {}) if name not in ("step", "verdict")]
    columns = {name: [(int(row["step"]), float(row[name])) for row in rows if row[name]] for name in names}
    return {
        name: Series(tuple(step for step, _ in pairs), tuple(value for _, value in pairs))
        for name, pairs in columns.items()
        if pairs
    }


def _grids(root: Path, name: str) -> tuple[Grid, ...]:
    paths = sorted((root / name).glob("*.png"), key=lambda path: path.name)
    return tuple(_shaped(f"{name}/{path.name}", _grid, path) for path in paths)


def _grid(path: Path) -> Grid:
    png = path.read_bytes()
    if png[:8] != b"\x89PNG\r\n\x1a\n":
        raise ValueError("not a PNG")
    return Grid(int(path.stem), png, int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big"))
