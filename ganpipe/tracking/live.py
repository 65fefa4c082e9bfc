"""MLflow beside the work: one thread in the process of a stage, which never waits for it but a moment at its end."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganpipe.tracking import records, values
from ganpipe.tracking.content import of_beginning, of_training
from ganpipe.tracking.paths import find_root
from ganpipe.tracking.records import Group, now
from ganpipe.tracking.sync import SyncReport, complete
from ganpipe.utils.console import say

if TYPE_CHECKING:
    from ganpipe.tracking.store import Store

INHERITED = ("DVC_EXP_NAME", "DVC_EXP_BASELINE_REV", "DVC_STAGE")
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

    def __init__(self, tick: Callable[[Store], None], finish: Callable[[Store], None]) -> None:
        self._root, self._tick, self._finish = find_root(), tick, finish
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

    def __init__(self, out: Path, facts: Mapping[str, Any]) -> None:
        """Note that a training begins, and follow it."""
        self._out, self._started, self._status = out.resolve(), now(), "FAILED"
        group = records.group(find_root(), facts["data"], facts["variant"], facts["spec_digest"])
        self._training = group.training(facts["seed"])
        self._training.folder.mkdir(parents=True, exist_ok=True)
        self._lock = self._training.lock
        self._content = of_beginning(self._training, facts, self._started, _tags())
        self._run = ""
        self._logged: dict[values.Point, Any] = {}
        self._monitor: Any = None
        self._worker = Worker(self._log_new, self._finish)

    def end(self, status: str, seconds: float) -> None:
        """Keep the record, and let the thread finish the run. seconds: of the training in all of its processes."""
        self._status = status
        try:
            if status == "FINISHED":
                ended = now()
                self._training.keep(self._out, min(self._started, ended - round(1000 * seconds)), ended, _tags())
        finally:
            self._worker.end(WAIT[status])

    def _log_new(self, store: Store) -> None:
        from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

        self._hold()
        if not self._run:
            self._run = store.begin(self._content)
            self._monitor = SystemMetricsMonitor(self._run, tracking_uri=store.uri)
            self._monitor.start()
        points, grids = values.history(self._out / "history.csv"), records.grids(self._out)
        store.log(self._run, replace(self._content, points=points, grids=grids), self._logged, lambda step: now())

    def _finish(self, store: Store) -> None:
        if self._monitor is not None:
            with suppress(Exception):
                self._monitor.finish()
        self._hold()
        try:
            if self._status == "FINISHED":
                store.complete(of_training(self._training))
            elif self._run:
                store.client.set_terminated(self._run, self._status)
        finally:
            self._lock.release()

    def _hold(self) -> None:
        if not self._lock.is_locked:
            self._lock.acquire()


def evaluated(evaluation: Path) -> None:
    """Keep an evaluation, and log it to the runs of its seeds and to their parent."""
    if found := records.group_of(evaluation.resolve(), find_root()):
        found.keep(evaluation.read_bytes(), _tags())
        _log([found])


def ranked(ranks: Mapping[str, tuple[str, float | None]], data: str) -> None:
    """Keep and log the ranks of variants, whose evaluations lie in this folder."""
    found = {name: records.group_of(Path("evals", data, f"{name}.json").resolve(), find_root()) for name in ranks}
    known = {name: one for name, one in found.items() if one}
    for name, one in known.items():
        one.rank(*ranks[name])
    _log(list(known.values()))


def _log(groups: list[Group]) -> None:
    def finish(store: Store) -> None:
        for one in groups:
            complete(store, one, SyncReport())

    Worker(lambda store: None, finish).end(WAIT_EVALUATED)


def _tags() -> dict[str, str]:
    return {key: os.environ[key] for key in INHERITED if os.environ.get(key)}
