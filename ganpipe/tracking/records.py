"""The content of a run's folder, read without MLflow. DVC may replace any file by a link to it meanwhile."""

from __future__ import annotations

import csv
import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ganpipe.utils.conventions import SOURCE
from ganpipe.utils.errors import UserError

STATUS = ("kind", "reason")
VALUE_LIMIT = 500  # characters of a parameter's value
PNG_END = b"IEND\xaeB`\x82"


@dataclass(frozen=True)
class Row:
    """One line of the history: the step and the quantities that were measured at it."""

    step: int
    values: dict[str, float]


@dataclass(frozen=True)
class Record:
    """A finished training: the facts of its run.json, its history and the names of its grids."""

    identity: str
    data: str
    variant: str
    seed: int
    title: str
    parameters: dict[str, str]
    facts: dict[str, str]
    """Versions, runtime, device, the spec's digest, and the status where something is wrong, as tags."""
    dataset_digest: str | None
    not_applicable: str | None
    history: bytes = field(repr=False)
    grids: tuple[str, ...]
    content: str
    """Digest of all of it: two records of the same training are the same exactly when this is."""
    modified: int
    """When run.json was written, in milliseconds since 1970."""


@dataclass(frozen=True)
class SeedEvaluation:
    """The evaluation of one seed: metrics, and tags, of which None means that there should be none."""

    metrics: dict[str, float] = field(default_factory=dict)
    tags: dict[str, str | None] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.metrics or self.tags)


class History:
    """Reads a growing history.csv, whole lines only, from where it stopped the last time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._taken = 0
        self._digest = hashlib.sha256()
        self._columns: list[str] = []

    def new_rows(self) -> list[Row]:
        """The variants completed since the last call; none where the file is missing or shorter than it was."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._taken)
                text = file.read()
        except OSError:
            return []
        text = text[: text.rfind(b"\n") + 1]
        self._taken += len(text)
        self._digest.update(text)
        lines = list(csv.reader(text.decode("utf-8", "replace").splitlines()))
        if lines and not self._columns:
            self._columns = [metric_name(column) for column in lines.pop(0)]
        return list(_rows(self._columns, lines))

    def matches(self, history: bytes) -> bool:
        """Whether the lines read so far are exactly the lines of this file."""
        whole = history[: history.rfind(b"\n") + 1]
        return len(whole) == self._taken and hashlib.sha256(whole).digest() == self._digest.digest()


def rows_of(history: bytes) -> list[Row]:
    """All variants of a finished history; a last line without its end counts as well."""
    lines = list(csv.reader(history.decode("utf-8", "replace").splitlines()))
    return list(_rows([metric_name(column) for column in lines[0]], lines[1:])) if lines else []


def read_record(run_dir: Path) -> Record | None:
    """What a finished training left in its folder; None where there is no run.json yet.

    Raises UserError where run.json is not what CONTRIBUTING.md says.
    """
    try:
        text = (run_dir / "run.json").read_bytes()
        modified = (run_dir / "run.json").stat().st_mtime_ns // 1_000_000
    except OSError:
        return None
    try:
        content = json.loads(text)
        name, data, row, seed = content["identity"], content["data"], content["variant"], int(content["seed"])
        parameters = flatten(content.get("parameters") or {})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{run_dir / 'run.json'} can't be read ({error!r}): run the training again.") from error
    try:
        history = (run_dir / "history.csv").read_bytes()
    except OSError:
        history = b""
    grids = tuple(path.name for path in grid_files(run_dir))
    digest = hashlib.sha256(b"\0".join([text, history, *(grid.encode() for grid in grids)])).hexdigest()[:16]
    tags = {"version": "versions", "runtime": "runtime", "device": "device", "status": "status"}
    tags["ganpipe.spec"] = "spec_digest"
    facts = flatten({tag: content[key] for tag, key in tags.items() if content.get(key)})
    return Record(
        identity=str(name),
        data=str(data),
        variant=str(row),
        seed=seed,
        title=str(content.get("title", row)),
        parameters=parameters,
        facts=facts,
        dataset_digest=content.get("dataset_digest"),
        not_applicable=content.get("not_applicable"),
        history=history,
        grids=grids,
        content=digest,
        modified=modified,
    )


def read_evaluated(root: Path, data: str, row: str) -> dict[int, SeedEvaluation]:
    """The evaluation of a variant by seed, as metrics `eval/<metric>` and `eval/<metric>_ema`; {} without one.

    What each metric is from is the tag `eval.<metric>`: feature network, resizer, numbers of samples and split, as
    JSON. The status has the tags that a training's status has, without the step.

    Raises UserError where the file is not what CONTRIBUTING.md says.
    """
    path = root / "evals" / data / f"{row}.json"
    try:
        content = json.loads(path.read_bytes())
        metrics: dict[int, dict[str, float]] = {int(seed): {} for seed in content.get("seeds") or []}
        statuses = content.get("statuses") or [None] * len(metrics)
        tags = {seed: _tags(status) for seed, status in zip(metrics, statuses, strict=True)}
        for name, metric in (content.get("metrics") or {}).items():
            source = {key: metric[key] for key in SOURCE if key in metric}
            for of in tags.values() if source else ():
                of[metric_name(f"eval.{name}")] = _word(source)
            for column, suffix in (("raw", ""), ("ema", "_ema")):
                for seed, number in zip(metrics, metric.get(column) or [], strict=False):
                    if number is not None:
                        metrics[seed][metric_name(f"eval/{name}{suffix}")] = float(number)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise UserError(f"{path} can't be read ({error!r}): run the evaluation again.") from error
    return {seed: SeedEvaluation(of, tags[seed]) for seed, of in metrics.items()}


def _tags(status: Mapping[str, Any] | None) -> dict[str, str | None]:
    return {f"status.{key}": _word(status.get(key)) if status else None for key in STATUS}


def grid_files(run_dir: Path) -> list[Path]:
    """The grids that lie in the folder now, by name."""
    return sorted((run_dir / "grids").glob("*.png"))


def is_whole_png(path: Path) -> bool:
    """Whether the picture was written to its end."""
    try:
        return path.read_bytes().endswith(PNG_END)
    except OSError:
        return False


def flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """`{"objective": {"kind": "lsgan"}}` as `{"objective.kind": "lsgan"}`; lists of mappings count from 0."""
    flat: dict[str, str] = {}
    for key, value in tree.items():
        name = metric_name(f"{prefix}.{key}" if prefix else str(key))
        if isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
            value = {str(number): item for number, item in enumerate(value)}
        if isinstance(value, Mapping) and value:
            flat |= flatten(value, name)
        else:
            flat[name] = _word(value)
    return flat


def metric_name(text: str) -> str:
    """A name that MLflow takes: other characters become underscores, parts like `..` vanish."""
    clean = re.sub(r"[^\w\-. :/]", "_", text.strip(), flags=re.ASCII)
    return "/".join(part for part in clean.split("/") if part not in {"", ".", ".."})[:250].rstrip("/") or "_"


def _word(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= VALUE_LIMIT else text[: VALUE_LIMIT - 3] + "..."


def _rows(columns: list[str], lines: list[list[str]]) -> Iterator[Row]:
    for line in lines:
        cells = {
            column: number for column, cell in zip(columns, line, strict=False) if (number := _number(cell)) is not None
        }
        step = cells.pop("step", None)
        if step is not None and math.isfinite(step):
            yield Row(int(step), cells)


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None
