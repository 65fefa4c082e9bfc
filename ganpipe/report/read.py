"""Reads what the stages wrote into frozen objects. The formats are described in CONTRIBUTING.md."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from ganpipe.report.evaluations import Evaluation, validated
from ganpipe.statistics import Number
from ganpipe.utils.errors import UserError


@dataclass(frozen=True)
class Series:
    """One column of a history, without the rows where it is empty. Values need not be finite."""

    steps: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True)
class Grid:
    """A PNG file with samples from the fixed noise, after so many steps."""

    step: int
    path: Path


class Run(BaseModel):
    """`runs/<data>/<variant>/<seed>/` and how long it took."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    seed: int
    parameters: dict[str, Any] = Field(default_factory=dict)
    versions: dict[str, Any] = Field(default_factory=dict)
    device: Any = None
    runtime: dict[str, Any] = Field(default_factory=dict)
    seconds: Number = None
    steps_per_second: Number = None
    ms_per_sample: Number = None
    evaluations_per_sample: int | None = None
    history: dict[str, Series] = Field(default_factory=dict)
    grids: tuple[Grid, ...] = ()


@dataclass(frozen=True)
class Variant:
    """All that the pages show of one variant. external: its samples were made by another program."""

    name: str
    title: str
    evaluation: Evaluation
    runs: tuple[Run, ...]
    pretrain: Mapping[str, Any]
    external: bool = False

    @property
    def not_applicable(self) -> str | None:
        """Why the variant makes no sense on this data, None where it does."""
        return self.evaluation.not_applicable


@dataclass(frozen=True)
class Zoo:
    """The variants in order, the classifier that gave the features, and what the spec asked for.

    missing: titles of the variants that it asked for and that have no result, by name.
    """

    data: str
    loss: str | None
    seeds: tuple[int, ...]
    variants: tuple[Variant, ...]
    classifier: Mapping[str, Any]
    missing: Mapping[str, str] = field(default_factory=dict)


def read_zoo(root: Path, spec: Mapping[str, Any]) -> Zoo:
    """Reads every variant that the spec lists and that was evaluated; that none was is an error."""
    data, titles, names = str(spec["data"]), spec.get("titles") or {}, list(spec["variants"])
    # under DVC all of them exist, unless `ganpipe sweep` makes the page of what did not fail
    evaluated = [name for name in names if (root / f"evals/{data}/{name}.json").is_file()] or names
    return Zoo(
        data=data,
        loss=spec.get("loss"),
        seeds=tuple(spec["seeds"]),
        variants=tuple(read_variant(root, data, name, titles.get(name)) for name in evaluated),
        classifier=read_classifier(root, data),
        missing={name: str(titles.get(name) or name) for name in names if name not in evaluated},
    )


def read_classifier(root: Path, data: str) -> dict[str, Any]:
    """What is known of the feature network trained on the data; empty for points."""
    return _applicable(read_json(root, f"classifiers/{data}/classifier.json"))


def read_variant(root: Path, data: str, name: str, title: str | None = None) -> Variant:
    """Reads the evaluation of a variant and the runs of the seeds that it evaluated."""
    evaluation = read_evaluation(root, data, name)
    seeds = () if evaluation.not_applicable else evaluation.seeds
    runs = [run for seed in seeds if (run := read_run(root, data, name, seed))]
    pretrain = _applicable(read_json(root, f"pretrained/{data}/{name}/pretrain.json"))
    return Variant(name, title or evaluation.title, evaluation, tuple(runs), pretrain)


def read_evaluation(root: Path, data: str, name: str) -> Evaluation:
    """Reads `evals/<data>/<variant>.json`. Raises UserError where it is missing."""
    file = f"evals/{data}/{name}.json"
    content = read_json(root, file)
    if not content:
        raise UserError(f"{file} is missing: evaluate the variant {name!r} first, or take it off the list of variants.")
    return validated(Evaluation, file, content)


def read_run(root: Path, data: str, name: str, seed: int) -> Run | None:
    """Reads the folder of one training, or None where there is no such folder."""
    folder = f"runs/{data}/{name}/{seed}"
    content = read_json(root, f"{folder}/run.json")
    if not content:
        return None
    clock = read_json(root, f"timings/{data}/train/{name}/{seed}.json")
    history = read_history(root, f"{folder}/history.csv")
    grids = [{"step": path.stem, "path": path} for path in sorted((root / folder / "grids").glob("*.png"))]
    return validated(Run, f"{folder}/run.json", {**clock, **content, "history": history, "grids": grids})


def read_json(root: Path, name: str) -> dict[str, Any]:
    """The mapping in a JSON file below `root`, empty where there is no such file."""
    try:
        content = json.loads((root / name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise UserError(f"{name} is not JSON ({error}): delete it and run its stage again.") from error
    if not isinstance(content, dict):
        raise UserError(f"{name} should hold a mapping, not a {type(content).__name__}: run its stage again.")
    return content


def _applicable(content: dict[str, Any]) -> dict[str, Any]:
    """What a stage found, empty where it had nothing to do."""
    return {} if content.get("not_applicable") else {k: v for k, v in content.items() if k != "not_applicable"}


def read_history(root: Path, name: str) -> dict[str, Series]:
    """The columns that have values, without `step` and without `status`, which the pages state in words."""
    if not (root / name).exists():
        return {}
    try:
        with (root / name).open(newline="", encoding="utf-8") as file:
            rows = csv.DictReader(file)
            columns = {c: list[tuple[int, float]]() for c in rows.fieldnames or () if c not in ("step", "status")}
            for row in rows:
                for column, pairs in columns.items():
                    if row[column]:
                        pairs.append((int(row["step"]), float(row[column])))
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{name} has an unknown shape ({error}): run its stage again.") from error
    return {column: Series(*zip(*pairs, strict=True)) for column, pairs in columns.items() if pairs}
