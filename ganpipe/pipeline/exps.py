"""DVC's experiments as a table that one reads, straight from git: `dvc exp show` has hundreds of columns.

An experiment is a commit under refs/exps/<baseline>/<name>. What it overrides is what its params.yaml and variants/
hold against those of the baseline; its metrics.json is in the commit, too.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Column, Table
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from ganpipe.config.overlay import FOLDER, PARAMS
from ganpipe.report.formats import mean_and_half, number
from ganpipe.utils.errors import UserError, format_value, join_key

METRICS = "metrics.json"
WORKSPACE, BASELINE = "workspace", "HEAD"
COMMIT = "`git add dvc.lock stages/dvc.lock metrics.json && git commit -m baseline`"


@dataclass(frozen=True)
class Experiment:
    """A row of the table. overrides: by key as `-S` takes it, what differs from the baseline; None: the key is gone.

    metric: name of the main one; mean and half: its interval is mean ± half, None where there is none.
    """

    name: str
    loss: str
    overrides: dict[str, str | None]
    metric: str | None
    mean: float | None
    half: float | None
    status: str

    def value(self) -> str:
        """The main metric as a person reads it."""
        if self.mean is None:
            return ""
        return number(self.mean) if self.half is None else " ± ".join(mean_and_half(self.mean, self.half))


def experiments(root: Path, every: bool = False) -> list[Experiment]:
    """The work tree, HEAD, what is queued, runs or failed, and the experiments of HEAD, or of every commit; newest
    first. Raises UserError where there is no git repository with a commit.
    """
    git = _Git(root)
    head = git("rev-parse", "--verify", "--quiet", "HEAD").strip()
    if not head:
        raise UserError("this is no git repository with a commit: experiments of DVC are commits beside others.")
    table = [_read(git, WORKSPACE, None, head, ""), _read(git, BASELINE, head, head, "")]
    table += [_read(git, *entry) for entry in _unfinished(root, git)]
    refs = git("for-each-ref", "--sort=-committerdate", "--format=%(refname) %(objectname)", "refs/exps")
    for line in refs.splitlines():
        ref, _, commit = line.partition(" ")
        _, _, first, *rest = [*ref.split("/"), "", ""]
        if len(first) != 2:  # DVC's own refs: stash, exec, celery and others
            continue
        baseline, name = first + rest[0], rest[1]
        if every or baseline == head:
            table.append(_read(git, name, commit, baseline, ""))
    return table


def print_table(table: Sequence[Experiment]) -> None:
    """Print the rows for a person."""
    shown = Table(
        Column("name", no_wrap=True), "loss", "overrides", "metric", "value", "status", box=None, pad_edge=False
    )
    for row in table:
        changes = [f"{key}={value}" if value is not None else f"~{key}" for key, value in row.overrides.items()]
        shown.add_row(row.name, row.loss, "\n".join(changes), row.metric or "", row.value(), row.status)
    Console(soft_wrap=not sys.stdout.isatty()).print(shown, markup=False)
    metrics = {row.name: row.metric for row in table}
    if metrics[BASELINE] is None and any(metrics.values()):
        print(f"{BASELINE} has no results to compare with. After a `dvc repro` that is to be the baseline: {COMMIT}")


class _Git:
    def __init__(self, root: Path) -> None:
        self._root = root

    def __call__(self, *arguments: str) -> str:
        """The output of a git command, empty where it fails. Raises UserError where there is no git."""
        try:
            done = subprocess.run(["git", *arguments], cwd=self._root, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            raise UserError("git was not found: install it.") from None
        return done.stdout if done.returncode == 0 else ""

    def text(self, path: str, commit: str | None) -> str:
        """A file of a commit, or of the work tree; empty where it is not there."""
        if commit is not None:
            return self("show", f"{commit}:./{path}")
        file = self._root / path
        return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""


def _read(git: _Git, name: str, commit: str | None, baseline: str, status: str) -> Experiment:
    """One row. commit: None is the work tree. status: of the queue; empty: that of the results."""
    params = _leaves(git.text(PARAMS, commit))
    metrics = _metrics(git.text(METRICS, commit)) if not status else {}
    key = next((key for key, value in metrics.items() if isinstance(value, dict) and "mean" in value), None)
    main = metrics[key] if key else {}
    return Experiment(
        name=name,
        loss=params.get("loss") or "?",
        overrides=dict(_overrides(git, params, commit, baseline)),
        metric=key,
        mean=main.get("mean"),
        half=(main["high"] - main["low"]) / 2 if "low" in main else None,
        status=status or metrics.get("status", ""),
    )


def _metrics(text: str) -> dict[str, Any]:
    """The content of a metrics.json; nothing where it is none."""
    try:
        metrics = json.loads(text)
    except ValueError:
        return {}
    return metrics if isinstance(metrics, dict) else {}


def _overrides(
    git: _Git, params: dict[str, str | None], commit: str | None, baseline: str
) -> Iterator[tuple[str, str | None]]:
    changed = git("diff", "--name-only", "--relative", baseline, *([commit] if commit else []), "--", PARAMS, FOLDER)
    for path in changed.splitlines():
        old = _leaves(git.text(path, baseline))
        new = params if path == PARAMS else _leaves(git.text(path, commit))
        for key in [*new, *(key for key in old if key not in new)]:
            if new.get(key) != old.get(key) and (path, key) != (PARAMS, "loss"):
                yield key if path == PARAMS else f"{path}:{key}", new.get(key)


def _leaves(text: str) -> dict[str, str | None]:
    """The values in a YAML file by their keys as `-S` takes them; nothing where it is not YAML."""
    try:
        return dict(_flat(YAML(typ="safe", pure=True).load(text)))
    except YAMLError:
        return {}


def _flat(value: Any, *key_path: object) -> Iterator[tuple[str, str | None]]:
    if isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value):
        value = dict(enumerate(value))
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, *key_path, key)
    else:
        yield join_key(*key_path), value if isinstance(value, str) else format_value(value)


def _unfinished(root: Path, git: _Git) -> Iterator[tuple[str, str, str, str]]:
    """Name, commit, baseline and status of what is queued, runs in a folder of its own, or failed.

    DVC is asked only if need be: its import takes seconds.
    """
    runs = [path.read_text(encoding="utf-8") for path in (root / ".dvc/tmp/exps/run").glob("*/*.run")]
    temporary = any('"location": "tempdir"' in run and '"result_ref": null' in run for run in runs)
    if not temporary and not git("for-each-ref", "refs/exps/celery"):
        return
    from dvc.repo import Repo

    with Repo(str(root)) as repo:
        celery, tempdir = repo.experiments.celery_queue, repo.experiments.tempdir_queue
        found = [(entry, "running") for queue in (tempdir, celery) for entry in queue.iter_active()]
        found += [(entry, "queued") for entry in celery.iter_queued()]
        found += [(entry, "failed") for entry, _ in celery.iter_failed()]
    for entry, status in found:
        yield entry.name or entry.stash_rev[:7], entry.stash_rev, entry.baseline_rev, status
