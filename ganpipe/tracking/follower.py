"""The follower: a process beside a training that shows it in MLflow while it runs."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from filelock import FileLock, Timeout

from ganpipe.tracking.paths import import_lock, run_lock
from ganpipe.tracking.records import History, Record, Row, flatten, grid_files, read_record
from ganpipe.tracking.store import (
    INHERITED,
    METRICS_LIMIT,
    RunKey,
    Store,
    import_mlflow,
    inherited,
    is_current,
    open_store,
)
from ganpipe.utils.errors import UserError

NICE = "GANPIPE_TRACKING_NICE"  # 0 to 19, the lowest priority and the default
POLL = 1.0  # seconds between two looks at the folder
FLUSH = 5.0  # seconds that numbers may wait for company
GRACE = 5.0  # seconds after the trainer's death in which DVC may still be moving its files
LOCK_LIMIT = 600.0  # to wait for a lock once the training has ended: the followers of a sweep import in turn
END_LIMIT = 600.0  # seconds from the end of the training to that of its follower, however slow the store
OPENING_ATTEMPTS, ATTEMPTS = 3, 8
LONGEST_PAUSE = 60.0  # seconds between two attempts

T = TypeVar("T")


@dataclass(frozen=True)
class Job:
    """What to follow. `trainer` is the number of the parent process, `started` milliseconds since 1970."""

    run_dir: Path
    spec: Path
    identity: str
    seed: int
    root: Path
    trainer: int
    started: int

    @property
    def run_key(self) -> RunKey:
        """The data set and the variant stand in the folder's path."""
        return RunKey(self.identity, self.run_dir.parts[-3], self.run_dir.parts[-2], self.seed)

    def trainer_lives(self) -> bool:
        """A process whose parent ends gets another at once: no later process is mistaken for the trainer."""
        return os.getppid() == self.trainer


class GaveUp(Exception):
    """The store failed too often."""


def follow(job: Job) -> int:
    """Follow a training to its end; the exit code. Prints one line, whatever happens."""
    _lower_priority()
    try:
        print(_follow(job), flush=True)
    except Exception as error:  # the last resort of a process that nobody watches
        reason = error if isinstance(error, GaveUp) else _one_line(error)
        print(f"Gave up, `ganpipe track` will make up for it: {reason}", flush=True)
        return 1
    return 0


def _follow(job: Job) -> str:
    parameters = _parameters(job)
    with _holding(job, import_lock(job.root)):
        _with_retries(1, lambda: import_mlflow(job.root))
    with _holding(job, run_lock(job.root, job.identity)):
        store = _with_retries(OPENING_ATTEMPTS, lambda: _open(job))
        if record := _completed(job):
            _limit()
            return _final_line(_project(store, job, record), "FINISHED")
        live = _Live(store, job, parameters)
        record = live.watch()
        _limit()
        if record is None:
            live.end("FAILED")
            return _final_line(live.run_id, "FAILED: the training ended without a result")
        if record.not_applicable is None and live.matches(record):
            live.finish(record)
            return _final_line(live.run_id, "FINISHED")
        return _final_line(_project(store, job, record), "FINISHED")


@contextlib.contextmanager
def _holding(job: Job, path: Path) -> Iterator[None]:
    """Hold a lock, waited for as long as the training runs and a little longer; GaveUp after that."""
    lock = FileLock(path)
    ended: float | None = None
    while not lock.is_locked:
        try:
            lock.acquire(timeout=POLL, poll_interval=POLL / 2)
        except Timeout:
            if not job.trainer_lives():
                ended = time.monotonic() if ended is None else ended
                if time.monotonic() - ended > LOCK_LIMIT:
                    raise GaveUp(f"{path.name} was not free for {LOCK_LIMIT:.0f} s") from None
    try:
        yield
    finally:
        lock.release()


class _Live:
    """A run that grows with its training."""

    def __init__(self, store: Store, job: Job, parameters: dict[str, str]) -> None:
        self._store = store
        self._job = job
        self._history = History(job.run_dir / "history.csv")
        self._waiting: list[Row] = []
        self._flushed = -FLUSH
        self._grids: set[str] = set()
        self._now = _clock(job.started)
        self.run_id = _with_retries(ATTEMPTS, self._begin)
        _with_retries(ATTEMPTS, lambda: store.log_parameters(self.run_id, parameters))

    def _begin(self) -> str:
        old = self._store.find(self._job.run_key)
        here = {key: os.environ[key] for key in INHERITED if os.environ.get(key)}
        return self._store.replace(self._job.run_key, self._job.started, here or inherited(old), old)

    def watch(self) -> Record | None:
        """Follow until the training has left its result, or died without one."""
        ended: float | None = None
        while True:
            lives = self._job.trainer_lives()  # asked first: what a dead trainer wrote is all that there will be
            record = _completed(self._job)
            self._log_new()
            if record:
                return record
            if not lives:
                ended = time.monotonic() if ended is None else ended
                if time.monotonic() - ended > GRACE:
                    return None
            _pause(POLL if lives else POLL / 10)

    def _log_new(self, *, flush: bool = False) -> None:
        self._waiting += self._history.new_rows()
        count = sum(len(row.values) for row in self._waiting)
        late = time.monotonic() - self._flushed >= FLUSH
        if count and (late or flush or count >= METRICS_LIMIT):
            now = self._now()  # once: numbers that are logged twice at the same time count once
            _with_retries(ATTEMPTS, lambda: self._store.log_rows(self.run_id, self._waiting, now))
            self._waiting, self._flushed = [], time.monotonic()
        for path in grid_files(self._job.run_dir):
            if path.name not in self._grids and _with_retries(ATTEMPTS, partial(self._log_grid, path)):
                self._grids.add(path.name)

    def _log_grid(self, path: Path) -> bool:
        return self._store.log_grid(self.run_id, path)

    def matches(self, record: Record) -> bool:
        """Whether what was logged is what the training left: neither history nor parameters changed since."""
        self._log_new(flush=True)
        logged = _with_retries(ATTEMPTS, lambda: self._store.client.get_run(self.run_id)).data.params
        return self._history.matches(record.history) and logged.items() <= record.parameters.items()

    def finish(self, record: Record) -> None:
        """Log what is left, and end the run."""
        deadline = time.monotonic() + GRACE
        while not self._grids.issuperset(record.grids) and time.monotonic() < deadline:
            _pause(POLL / 10)
            self._log_new()
        content = record.content if self._grids == set(record.grids) else None
        now = self._now()
        _with_retries(ATTEMPTS, lambda: self._store.finish(self.run_id, record, content, now))

    def end(self, status: str) -> None:
        """End the run with what there is."""
        self._log_new(flush=True)
        now = self._now()
        _with_retries(ATTEMPTS, lambda: self._store.client.set_terminated(self.run_id, status, now))


def _open(job: Job) -> Store:
    store = open_store(job.root)
    store.experiment(job.run_key.data)  # the first word with a server: one that is dead shows itself here
    return store


def _project(store: Store, job: Job, record: Record) -> str:
    """Make the run from the finished folder, unless it is there; a variant that does not apply has none."""

    def make() -> str:
        old = store.find(job.run_key)
        if is_current(old, record):
            return str(old[0].info.run_id)
        if record.not_applicable is None:
            return store.project(job.run_dir, record, old)
        for run in old:
            store.client.delete_run(run.info.run_id)
        return "none"

    return _with_retries(ATTEMPTS, make)


def _completed(job: Job) -> Record | None:
    """The result of this very training, once all of it is there."""
    with contextlib.suppress(UserError):
        record = read_record(job.run_dir)
        if record and record.identity == job.identity and (record.history or record.not_applicable):
            return record
    return None


def _parameters(job: Job) -> dict[str, str]:
    """The parameters that the spec states, where it does; all are logged at the end in any case."""
    try:
        stated = json.loads(job.spec.read_bytes()).get("parameters")
        return flatten(stated) if isinstance(stated, dict) else {}
    except (OSError, ValueError, AttributeError):
        return {}


def _with_retries(attempts: int, action: Callable[[], T]) -> T:
    """Do it, with growing pauses between the attempts; GaveUp after the last."""
    for attempt in range(attempts):
        try:
            return action()
        except GaveUp:
            raise
        except Exception as error:  # a store may raise anything, and none of it may leave a traceback
            if attempt + 1 == attempts:
                raise GaveUp(f"{attempts} attempts failed, {_one_line(error)}") from error
            _pause(min(LONGEST_PAUSE, POLL * 2**attempt))
    raise AssertionError("unreachable: attempts is at least 1")


def _clock(started: int) -> Callable[[], int]:
    """Milliseconds since 1970 that never go back, and not before `started`, however the system's clock is set."""
    base, begin = max(started, time.time_ns() // 1_000_000), time.monotonic()
    return lambda: base + int((time.monotonic() - begin) * 1000)


def _pause(seconds: float) -> None:
    time.sleep(seconds)


def _one_line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]


def _lower_priority() -> None:
    """Lower the priority, also of the group that Linux makes of a session, within which alone nice counts."""
    with contextlib.suppress(OSError, ValueError):
        nice = int(os.environ.get(NICE, "19"))
        os.nice(nice)
        Path("/proc/self/autogroup").write_text(str(nice))


def _limit() -> None:
    """Bound what is left to do. The signal repeats, as code in between may swallow the first."""

    def stop(*_: object) -> None:
        raise GaveUp(f"the store took more than {END_LIMIT:.0f} s for the end of the run")

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, END_LIMIT, 5.0)


def _final_line(run_id: str, outcome: str) -> str:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return f"{outcome}: run {run_id}, {used.ru_utime + used.ru_stime:.1f} s of CPU"
