"""Sync: makes every run that MLflow lacks, or has otherwise, from the records."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import Timeout

from ganpipe.tracking import records
from ganpipe.tracking.content import of_group, of_training
from ganpipe.tracking.paths import store_uri
from ganpipe.tracking.records import Group
from ganpipe.utils.errors import UserError

if TYPE_CHECKING:
    from ganpipe.tracking.store import Store

PATIENCE = 10.0  # seconds to wait for a training that is about to end its run
DONE = ("created", "replaced", "completed", "ended", "unchanged")


@dataclass
class SyncReport:
    """counts: of runs by what was done. busy: runs that another process was still writing: sync again.

    problems: files that can't be read, one sentence each.
    """

    counts: Counter[str] = field(default_factory=Counter)
    busy: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

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
    groups = list(records.groups(root))
    if not groups:
        return report
    from ganpipe.tracking.opening import failures_of, open_store

    with failures_of(store_uri(root)):
        store = open_store(root)
        for group in groups:
            try:
                complete(store, group, report)
            except (UserError, KeyError, TypeError, ValueError, AttributeError) as error:
                what = error if isinstance(error, UserError) else f"{error!r}"
                report.problems.append(f"{group.folder} can't be read: remove it and run the stages again: {what}")
    return report


def complete(store: Store, group: Group, report: SyncReport) -> None:
    """Complete the runs of a variant and of its seeds."""
    parent: str | None = None
    try:
        with group.lock.acquire(timeout=PATIENCE):
            if content := of_group(group):
                parent, done = store.complete(content)
                report.counts[done] += 1
    except Timeout:
        report.busy.append(group.variant)
    for one in group.trainings:
        try:
            with one.lock.acquire(timeout=PATIENCE if one.finished else 0):
                if one.finished:
                    _, done = store.complete(of_training(one), parent)
                else:
                    done = store.end(one.data, one.key)
                report.counts[done] += 1
        except Timeout:
            report.busy.append(one.name)
