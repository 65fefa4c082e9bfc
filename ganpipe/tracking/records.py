"""The records of trainings and evaluations, as plain files in a place that DVC neither moves nor removes.

.tracking/<data>/<variant>/<spec>/             one variant as its spec states it, the parent of its seeds
    evaluation.json  rank.json  tags.json      what `evaluate` and `report` found, and where they ran
    <seed>/run.json  history.csv  grids/       copies of what the training wrote
    <seed>/times.json                          written last: beginning and end, and where it ran
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from ganpipe.tracking.paths import records_folder
from ganpipe.utils.errors import UserError
from ganpipe.utils.io import write_bytes, write_json

SPEC_DIGITS = 16
PARTS = ("run.json", "history.csv")


@dataclass(frozen=True)
class Group:
    """A variant as its spec states it, with its trainings."""

    folder: Path

    @property
    def data(self) -> str:
        return self.folder.parts[-3]

    @property
    def variant(self) -> str:
        return self.folder.parts[-2]

    @property
    def key(self) -> str:
        """Digest of the spec."""
        return self.folder.name

    @property
    def lock(self) -> FileLock:
        """Held by whoever writes its run in MLflow."""
        return FileLock(self.folder / "lock", thread_local=False)

    def training(self, seed: int) -> Training:
        return Training(self, seed)

    @property
    def trainings(self) -> list[Training]:
        """All that ever began, by seed."""
        return [
            Training(self, seed) for seed in sorted(int(p.name) for p in self.folder.glob("*/") if p.name.isdecimal())
        ]

    def read(self, name: str) -> dict[str, Any]:
        """One of evaluation.json, rank.json, tags.json; empty where it is not there."""
        path = self.folder / name
        return read_json(path) if path.is_file() else {}

    def keep(self, evaluation: bytes, tags: dict[str, str]) -> None:
        """Keep the content of `evals/<data>/<variant>.json`. Raises OSError."""
        if tags:
            write_json(self.folder / "tags.json", tags)
        write_bytes(self.folder / "evaluation.json", evaluation)

    def rank(self, text: str, number: float | None) -> None:
        """Keep the rank among all variants: in words, and as a number."""
        write_json(self.folder / "rank.json", {"text": text, "number": number})


@dataclass(frozen=True)
class Training:
    """A training, finished or not."""

    group: Group
    seed: int

    @property
    def folder(self) -> Path:
        return self.group.folder / str(self.seed)

    @property
    def data(self) -> str:
        return self.group.data

    @property
    def variant(self) -> str:
        return self.group.variant

    @property
    def key(self) -> str:
        """Digest of the spec, and the seed: the same training always has the same."""
        return f"{self.group.key}-{self.seed}"

    @property
    def name(self) -> str:
        return f"{self.variant}/{self.seed}"

    @property
    def lock(self) -> FileLock:
        """Held by whoever writes the record or its run in MLflow."""
        return FileLock(self.folder / "lock", thread_local=False)

    @property
    def finished(self) -> bool:
        return (self.folder / "times.json").is_file()

    @property
    def times(self) -> dict[str, Any]:
        """started, ended: milliseconds since 1970; tags: where it ran."""
        return read_json(self.folder / "times.json")

    @property
    def facts(self) -> dict[str, Any]:
        """run.json."""
        return read_json(self.folder / "run.json")

    def keep(self, out: Path, started: int, ended: int, tags: dict[str, str]) -> None:
        """Copy what the training left in `out`. Raises OSError."""
        (self.folder / "times.json").unlink(missing_ok=True)
        for name in PARTS:
            if (out / name).is_file():
                write_bytes(self.folder / name, (out / name).read_bytes())
        shutil.rmtree(self.folder / "grids", ignore_errors=True)
        for path in grids(out).values():
            write_bytes(self.folder / "grids" / path.name, path.read_bytes())
        write_json(self.folder / "times.json", {"started": started, "ended": ended, "tags": tags})


def group(root: Path, data: str, variant: str, spec_digest: str) -> Group:
    """The group of a variant's spec, by the digest that run.json names."""
    return Group(records_folder(root) / data / variant / spec_digest[:SPEC_DIGITS])


def groups(root: Path) -> Iterator[Group]:
    """All that have a record."""
    yield from (Group(path) for path in sorted(records_folder(root).glob("*/*/*/")))


def group_of(evaluation: Path, root: Path) -> Group | None:
    """The group that `evals/<data>/<variant>.json` speaks of, by the run of its first seed; None without one.

    root: the repository, where the records lie, while an experiment may run in a folder of its own.
    """
    content = read_json(evaluation) if evaluation.is_file() else {}
    data, variant = evaluation.parent.name, evaluation.stem
    run = evaluation.parents[2] / "runs" / data / variant / str((content.get("seeds") or [None])[0]) / "run.json"
    if content.get("not_applicable") or not run.is_file():
        return None
    return group(root, data, variant, str(read_json(run).get("spec_digest")))


def adopt(root: Path, problems: list[str]) -> None:
    """Keep a record of what lies in `runs/` and `evals/` and has none: DVC restored it, or tracking was off.

    problems: gets a sentence for each file that can't be read.
    """
    for path in sorted([*root.glob("runs/*/*/*/run.json"), *root.glob("evals/*/*.json")]):
        try:
            if path.name == "run.json":
                _adopt_training(root, path)
            elif (found := group_of(path, root)) and found.read("evaluation.json") != read_json(path):
                found.keep(path.read_bytes(), {})
        except UserError as error:
            problems.append(str(error))


def _adopt_training(root: Path, path: Path) -> None:
    facts, out = read_json(path), path.parent
    data, variant, seed = path.parts[-4:-1]
    if facts.get("not_applicable"):
        return
    if not facts.get("spec_digest"):
        raise UserError(f"{path} names no spec: run the training again.")
    one = group(root, data, variant, facts["spec_digest"]).training(int(seed))
    if one.finished and all(_bytes(one.folder / name) == _bytes(out / name) for name in PARTS):
        return
    ended = path.stat().st_mtime_ns // 1_000_000
    clock = root / "timings" / data / "train" / variant / f"{seed}.json"
    seconds = float(read_json(clock).get("training_seconds", 0.0)) if clock.is_file() else 0.0
    one.folder.mkdir(parents=True, exist_ok=True)
    with one.lock:
        one.keep(out, ended - round(1000 * seconds), ended, {})


def grids(folder: Path) -> dict[int, Path]:
    """The pictures in a folder of a training, by step."""
    return {int(path.stem): path for path in sorted((folder / "grids").glob("*.png")) if path.stem.isdecimal()}


def digest(content: Any) -> str:
    """16 hexadecimal digits of SHA-256 of what JSON can hold."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def now() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def read_json(path: Path) -> dict[str, Any]:
    """A mapping from a file. Raises UserError where it is none."""
    try:
        content = json.loads(path.read_bytes())
        if not isinstance(content, dict):
            raise ValueError("not a mapping")
    except (OSError, ValueError) as error:
        raise UserError(f"{path} can't be read ({error}): remove it and run its stage again.") from None
    return content


def _bytes(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""
