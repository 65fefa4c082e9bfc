"""Sync: brings the MLflow store to the state of the folders of runs and evaluations."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from ganpipe.tracking.paths import IDENTITY, is_remote, run_lock, store_uri
from ganpipe.tracking.records import Record, SeedEvaluation, read_evaluated, read_record
from ganpipe.utils.conventions import STALLED
from ganpipe.utils.errors import UserError

if TYPE_CHECKING:
    from mlflow.entities import Run

    from ganpipe.tracking.store import Store

LOCK_LIMIT = 30.0  # seconds to wait for followers that are about to finish, all together


@dataclass
class SyncReport:
    """What a sync did. Each run is counted once among created, replaced and unchanged."""

    created: int = 0
    replaced: int = 0
    """Runs that a killed follower left unfinished, that were doubled, or whose training has a new result."""
    unchanged: int = 0
    evaluated: int = 0
    """Runs that got metrics of the evaluation which they lacked, or had with another value."""
    ended: int = 0
    """Runs still open though neither a training nor a result is left: now FAILED."""
    not_applicable: int = 0
    busy: list[str] = field(default_factory=list)
    """Folders whose run another process was still writing: sync again."""
    problems: list[str] = field(default_factory=list)
    """Files that can't be read, one sentence each."""

    @property
    def changed(self) -> bool:
        """Whether the store was written to."""
        return bool(self.created or self.replaced or self.evaluated or self.ended)

    def __str__(self) -> str:
        counts = {
            "created": self.created,
            "replaced": self.replaced,
            "unchanged": self.unchanged,
            "evaluated": self.evaluated,
            "ended": self.ended,
            "not applicable": self.not_applicable,
            "still being written": len(self.busy),
        }
        text = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
        return f"MLflow: {text or 'no runs'}."


def sync(root: Path) -> SyncReport:
    """Make every missing or outdated run from `runs/`, add the metrics of `evals/`; twice adds nothing.

    Safe beside followers and other syncs. Raises UserError where the store does not answer.
    """
    root = root.resolve()
    report = SyncReport()
    found = list(_records(root, report))
    if not found:
        return report
    from ganpipe.tracking.store import failures_of

    with failures_of(store_uri(root)):
        _bring_up_to_date(root, found, report)
    return report


def _bring_up_to_date(root: Path, found: list[tuple[Path, Record]], report: SyncReport) -> None:
    from ganpipe.tracking.store import open_store

    store = open_store(root)
    held: list[tuple[Path, Record]] = []
    for data, group in groupby(found, key=lambda pair: pair[1].data):
        known: dict[tuple[str, str], list[Run]] = {}
        for run in store.runs(data):
            known.setdefault((run.data.tags.get(IDENTITY, ""), run.data.tags.get("variant", "")), []).append(run)
        for run_dir, record in group:
            runs = known.pop((record.identity, record.variant), [])
            if not _update(store, root, record, run_dir, runs, report, 0.0):
                held.append((run_dir, record))
        if not is_remote(store_uri(root)):  # the trainings of other machines hold no lock here
            _end_orphans(root, store, known, report)
    deadline = time.monotonic() + LOCK_LIMIT
    for run_dir, record in held:
        if not _update(store, root, record, run_dir, [], report, max(0.0, deadline - time.monotonic())):
            report.busy.append(str(run_dir.relative_to(root)))


def _records(root: Path, report: SyncReport) -> Iterable[tuple[Path, Record]]:
    for path in sorted((root / "runs").glob("*/*/*/run.json")):
        try:
            record = read_record(path.parent)
        except UserError as error:
            report.problems.append(str(error))
            continue
        place = path.parts[-4:-1]
        if record and (record.data, record.variant, str(record.seed)) != place:
            report.problems.append(
                f"{path} speaks of {record.data}/{record.variant}/{record.seed}: run the training again."
            )
        elif record and record.not_applicable is not None:
            report.not_applicable += 1
        elif record:
            yield path.parent, record


def _with_own_status(facts: Mapping[str, str], evaluation: SeedEvaluation) -> SeedEvaluation:
    """The evaluation with the training's own status, which stands, except STALLED where that of the samples is another.

    The training's own is logged again, as a former evaluation may have replaced it.
    """
    own: dict[str, str | None] = {key: value for key, value in facts.items() if key.startswith("status.")}
    if own["status.kind"] == STALLED and evaluation.tags.get("status.kind") not in (None, STALLED):
        own = {"status.step": None}
    return SeedEvaluation(evaluation.metrics, {**evaluation.tags, **own})


def _update(
    store: Store, root: Path, record: Record, run_dir: Path, runs: list[Run], report: SyncReport, wait: float
) -> bool:
    """Bring a training up to date, with `runs` known; False where its lock was not free in `wait` seconds."""
    from filelock import FileLock, Timeout

    from ganpipe.tracking.store import is_current, missing_evaluation, run_key

    try:
        evaluation = read_evaluated(root, record.data, record.variant).get(record.seed, SeedEvaluation())
    except UserError as error:
        evaluation = SeedEvaluation()
        if str(error) not in report.problems:
            report.problems.append(str(error))
    if "status.kind" in record.facts:
        evaluation = _with_own_status(record.facts, evaluation)
    if is_current(runs, record) and not missing_evaluation(runs[0], evaluation):
        report.unchanged += 1
        return True
    try:
        with FileLock(run_lock(root, record.identity), timeout=wait):
            runs = store.find(run_key(record))
            if is_current(runs, record):
                report.unchanged += 1
            else:
                report.replaced += bool(runs)
                report.created += not runs
                runs = [store.client.get_run(store.project(run_dir, record, runs))]
            report.evaluated += store.log_evaluation(runs[0], evaluation)
    except Timeout:
        return False
    return True


def _end_orphans(root: Path, store: Store, known: dict[tuple[str, str], list[Run]], report: SyncReport) -> None:
    """End the open runs that no follower holds: it was killed together with its training."""
    from filelock import FileLock, Timeout

    for (identity, _), runs in known.items():
        if not identity or all(run.info.status != "RUNNING" for run in runs):
            continue
        try:
            with FileLock(run_lock(root, identity), timeout=0):
                for run in runs:
                    if store.client.get_run(run.info.run_id).info.status == "RUNNING":
                        store.client.set_terminated(run.info.run_id, "FAILED")
                        report.ended += 1
        except Timeout:
            continue
