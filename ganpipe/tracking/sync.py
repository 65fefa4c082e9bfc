"""Sync: makes every run that MLflow lacks, or has otherwise, from the records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import Timeout

from ganpipe.tracking import records
from ganpipe.tracking.paths import store_uri
from ganpipe.tracking.records import Group, Training
from ganpipe.utils.errors import UserError

if TYPE_CHECKING:
    from mlflow.entities import Run

    from ganpipe.tracking.store import Store

PATIENCE = 10.0  # seconds to wait for a training that is about to end its run
DONE = ("created", "replaced", "completed", "evaluated", "ended", "unchanged")


@dataclass
class SyncReport:
    """counts: of runs by what was done. busy: runs that another process was still writing: sync again.

    problems: files that can't be read, one sentence each.
    """

    counts: Counter[str] = field(default_factory=Counter)
    busy: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        """Whether the store was written to."""
        return any(count for what, count in self.counts.items() if what != "unchanged")

    def count(self, done: str | None) -> None:
        """One run more to which this was done."""
        if done:
            self.counts[done] += 1

    def __str__(self) -> str:
        counts = [f"{self.counts[what]} {what}" for what in DONE if self.counts[what]]
        counts += [f"{len(self.busy)} still being written"] if self.busy else []
        return f"MLflow: {', '.join(counts) or 'no runs'}."


def sync(root: Path) -> SyncReport:
    """Complete every run; twice changes nothing. Safe beside trainings and other syncs.

    Raises UserError where the store does not answer.
    """
    report = SyncReport()
    records.adopt(root, report.problems)
    found = list(records.groups(root))
    if not found:
        return report
    from ganpipe.tracking.opening import failures_of, open_store

    with failures_of(store_uri(root)):
        store = open_store(root)
        known: dict[str, dict[str, list[Run]]] = {}
        for group in found:
            if group.data not in known:
                known[group.data] = store.by_key(group.data)
            try:
                complete(store, group, report, known[group.data])
            except UserError as error:
                report.problems.append(str(error))
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                problem = f"{group.folder} can't be read ({error!r}): remove it and run the stages again."
                report.problems.append(problem)
    return report


def complete(store: Store, group: Group, report: SyncReport, known: dict[str, list[Run]] | None = None) -> None:
    """Complete the runs of a variant and of its seeds. known: the runs of the data set by their keys."""
    known = known or {}
    parent: str | None = None
    with _held(group, report) as free:
        if free:
            parent, done = store.complete_parent(group, known.get(group.key))
            report.count(done or ("unchanged" if parent else None))
    for one in group.trainings:
        with _held(one, report) as free:
            if free and one.finished:
                report.count(store.complete(group, one, parent, known.get(one.key)) or "unchanged")
            elif free:
                report.count(store.end(one))


@contextmanager
def _held(one: Group | Training, report: SyncReport) -> Iterator[bool]:
    """Whether its lock could be had in time; it is then held inside."""
    lock = one.lock
    try:
        lock.acquire(timeout=PATIENCE if isinstance(one, Group) or one.finished else 0)
    except Timeout:
        report.busy.append("/".join(one.folder.parts[-4:]))
        yield False
        return
    try:
        yield True
    finally:
        lock.release()
