"""Training a run once more, and comparing what it wrote bit by bit."""

from __future__ import annotations

import csv
import tempfile
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import torch

from ganpipe import prepared
from ganpipe.config.variant import Runtime
from ganpipe.training.loop import TrainingArguments, configure, train
from ganpipe.training.runs import Run, read_run
from ganpipe.utils.errors import UserError
from ganpipe.utils.io import digest

FACTS = "run.json"


@dataclass(frozen=True)
class Verified:
    """same, different: names of files in the run's folder. notes: what may explain a difference, a sentence each."""

    same: list[str]
    different: list[str]
    notes: list[str]


def verify(folder: Path) -> Verified:
    """Train the run of this folder again, in a folder of its own that is removed, and compare all files but run.json.

    Parameters, seed and runtime are those of run.json; the code is that of today. Raises UserError where the run, the
    data or the pre-trained weights that it was made from are missing.
    """
    run = read_run(folder)
    runtime = _runtime(run)
    root, facts = _root(folder), run.facts
    data, meta = prepared.read(root / "data/prepared" / facts["data"])
    if meta["digest"] != facts["dataset_digest"]:
        raise UserError(f"{folder} was trained on other data than data/prepared holds: run `dvc checkout`.")
    pretrained_file = run.variant.pretrained_file
    pretrained = root / "pretrained" / facts["data"] / facts["variant"] / pretrained_file if pretrained_file else None
    if pretrained and (not pretrained.is_file() or digest(pretrained) != facts["pretrained_digest"]):
        raise UserError(f"{folder} started from other weights than {pretrained}: run `dvc checkout` to restore them.")
    configure(runtime)
    with tempfile.TemporaryDirectory(prefix="ganpipe-verify-") as fresh:
        name = f"verify {facts['variant']}/{facts['seed']}"
        train(TrainingArguments(name, run.variant, runtime, data, facts["seed"], Path(fresh), pretrained))
        return _compared(folder, Path(fresh), _notes(run, runtime))


def _root(folder: Path) -> Path:
    """`runs/<data>/<variant>/<seed>` lies in the project's folder."""
    return folder.resolve().parents[3]


def _runtime(run: Run) -> Runtime:
    runtime = Runtime.model_validate(run.facts["runtime"])
    if runtime.device == "cuda" and not torch.cuda.is_available():
        raise UserError(f"{run.folder} was trained on cuda, which this machine does not have: use one that has.")
    return runtime


def _compared(folder: Path, fresh: Path, notes: list[str]) -> Verified:
    def names(of: Path) -> set[str]:
        files = (path for path in of.rglob("*") if path.is_file() and not path.name.startswith("."))
        return {path.relative_to(of).as_posix() for path in files} - {FACTS}

    def content(path: Path) -> bytes | None:
        return path.read_bytes() if path.is_file() else None

    every = sorted(names(folder) | names(fresh))
    different = [name for name in every if content(folder / name) != content(fresh / name)]
    if "history.csv" in different and (folder / "history.csv").is_file():
        notes = [*notes, _first_difference(folder / "history.csv", fresh / "history.csv")]
    return Verified([name for name in every if name not in different], different, notes)


def _first_difference(before: Path, now: Path) -> str:
    """Where two histories part: that says whether a training began differently or came apart later."""
    with before.open(newline="", encoding="utf-8") as one, now.open(newline="", encoding="utf-8") as other:
        for old, new in zip_longest(csv.DictReader(one), csv.DictReader(other)):
            if old is None or new is None:
                return f"history.csv ends earlier in {'the run' if old is None else 'the new training'}."
            for name in old:
                if old[name] != new.get(name):
                    return f"history.csv: {name} at step {old['step']} was {old[name]} and is {new.get(name)}."
    return "history.csv has other columns."


def _notes(run: Run, runtime: Runtime) -> list[str]:
    notes = []
    was = run.facts["versions"]["torch"]
    if was != torch.__version__:
        notes.append(f"The run was made with torch {was}, this is {torch.__version__}.")
    if (number := run.facts.get("num_devices", 1)) > 1:
        notes.append(f"The run was trained on {number} devices, this is one: sums are rounded otherwise.")
    if runtime.device != "cpu" and not runtime.deterministic:
        notes.append(
            f"runtime.deterministic is false: some kernels of {runtime.device} add up in an order of their own."
        )
    return notes
