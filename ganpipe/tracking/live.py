"""MLflow beside the work: one thread in the process of a stage, which never waits for it but a moment at its end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganpipe.tracking import records, values
from ganpipe.tracking.records import Group, now
from ganpipe.tracking.sync import SyncReport, complete
from ganpipe.utils.console import say

if TYPE_CHECKING:
    from ganpipe.tracking.store import Store

POLL, LONGEST_PAUSE = 1.0, 60.0
"""Seconds between two looks at the files, and at most while the store fails."""
WAIT = {"FINISHED": 5.0, "FAILED": 1.0, "KILLED": 1.0}
"""Seconds that the end of a training waits for the thread; what it has not done by then is done by `ganpipe track`."""
WAIT_EVALUATED = 15.0
"""An evaluation has no time before its end in which MLflow could be imported: seconds of CPU."""


class Worker:
    """A thread that opens the store, calls `tick` again and again, and `finish` at the end.

    A store that fails is one sentence; it is tried again while the work goes on.
    """

    def __init__(self, root: Path, tick: Callable[[Store], None], finish: Callable[[Store], None]) -> None:
        self._root, self._tick, self._finish = root, tick, finish
        self._ended = threading.Event()
        self._failed = False
        self._thread = threading.Thread(target=self._run, name="tracking", daemon=True)
        self._thread.start()

    def end(self, seconds: float) -> None:
        """Finish, and wait for it no longer than so many seconds."""
        self._ended.set()
        self._thread.join(seconds)
        if self._thread.is_alive():
            self._say("the store is slow")

    def _run(self) -> None:
        from ganpipe.tracking.opening import open_store

        store: Store | None = None
        pause = 0.0
        while True:
            ended = self._ended.wait(pause)
            try:
                store = store or open_store(self._root)
                if ended or self._ended.is_set():
                    return self._finish(store)
                self._tick(store)
                pause = POLL
            except Exception as error:  # a store may raise anything, and none of it may disturb the training
                self._say(" ".join(f"{type(error).__name__}: {error}".split())[:200])
                if ended:
                    return None
                pause = min(LONGEST_PAUSE, max(POLL, 2 * pause))

    def _say(self, reason: str) -> None:
        if not self._failed:
            self._failed = True
            say(f"ganpipe: MLflow lacks something of this run, `ganpipe track` will complete it: {reason}.\n")


class Live:
    """The run of a training that grows with its files."""

    def __init__(self, root: Path, out: Path, facts: Mapping[str, Any], tags: dict[str, str]) -> None:
        self._out, self._facts, self._tags = out.resolve(), facts, tags
        self._group = records.group(root, facts["data"], facts["variant"], facts["spec_digest"])
        self._training = self._group.training(facts["seed"])
        self._started, self._status = now(), "FAILED"
        self._run: str | None = None
        self._logged: set[values.Point] = set()
        self._grids: set[int] = set()
        self._monitor: Any = None
        self._training.begin(self._started, tags)
        self._lock = self._training.lock
        self._worker = Worker(root, self._log_new, self._finish)

    def end(self, status: str, seconds: float) -> None:
        """Keep the record, and let the thread finish the run. seconds: of the training in all of its processes."""
        self._status = status
        try:
            if status == "FINISHED":
                ended = now()
                self._training.keep(self._out, min(self._started, ended - round(1000 * seconds)), ended, self._tags)
        finally:
            self._worker.end(WAIT[status])

    def _log_new(self, store: Store) -> None:
        if not self._lock.is_locked:
            self._lock.acquire(timeout=POLL)
        if self._run is None:
            self._run = store.begin(self._training, self._facts["parameters"])
            self._watch_system(store)
        new = {point: x for point, x in values.history(self._out / "history.csv").items() if point not in self._logged}
        store.log_points(self._run, new, now())
        self._logged |= new.keys()
        for step, path in records.grids(self._out).items():
            if step not in self._grids:
                store.log_grid(self._run, step, path, now())
                self._grids.add(step)

    def _finish(self, store: Store) -> None:
        with suppress(Exception):
            if self._monitor is not None:
                self._monitor.finish()
        if not self._lock.is_locked:
            self._lock.acquire()
        try:
            if self._status == "FINISHED":
                parent = [run.info.run_id for run in store.active(self._group.data, self._group.key)]
                store.complete(self._group, self._training, parent[0] if parent else None)
            elif self._run is not None:
                store.client.set_terminated(self._run, self._status)
        finally:
            self._lock.release()

    def _watch_system(self, store: Store) -> None:
        from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

        self._monitor = SystemMetricsMonitor(self._run, tracking_uri=store.uri)  # type: ignore[no-untyped-call]
        self._monitor.start()


def begin(root: Path, out: Path, facts: Mapping[str, Any], tags: dict[str, str]) -> Live:
    """Note that a training begins, and follow it."""
    return Live(root, out, facts, tags)


def end(live: Live, status: str, seconds: float) -> None:
    """Keep what it left, and end its run."""
    live.end(status, seconds)


def evaluated(root: Path, evaluation: Path, tags: dict[str, str]) -> None:
    """Keep an evaluation, and log it to the runs of its seeds and to their parent."""
    if group := records.group_of(root, evaluation.resolve()):
        group.keep(evaluation.read_bytes(), tags)
        _log(root, [group])


def ranked(root: Path, data: str, ranks: Mapping[str, tuple[str, float | None]]) -> None:
    """Keep and log the ranks of variants, whose evaluations lie in this folder."""
    groups = []
    for variant, rank in ranks.items():
        if group := records.group_of(root, Path("evals", data, f"{variant}.json").resolve()):
            group.rank(*rank)
            groups.append(group)
    _log(root, groups)


def _log(root: Path, groups: list[Group]) -> None:
    def finish(store: Store) -> None:
        for group in groups:
            complete(store, group, SyncReport())

    Worker(root, lambda store: None, finish).end(WAIT_EVALUATED)
