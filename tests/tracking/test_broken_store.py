"""A store that dies, answers late or is locked: nothing is doubled, nothing missing, and a sync makes up for it."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from command import ganpipe
from fake_training import write_all
from scripted import KEY, Scripted
from served import Served

from ganpipe.tracking import follower
from ganpipe.tracking.projection import sync
from ganpipe.tracking.records import SeedEvaluation
from ganpipe.tracking.store import Store, open_store
from ganpipe.utils.errors import UserError

pytestmark = pytest.mark.slow
KINDS = {"runs/create", "runs/log-batch", "runs/update"}


class Lock:
    """Another process that writes to the store's file and doesn't end."""

    def __init__(self, root: Path) -> None:
        self._connection = sqlite3.connect(root / "mlflow.db", isolation_level=None)

    def take(self) -> None:
        self._connection.execute("BEGIN EXCLUSIVE")

    def release(self) -> None:
        self._connection.execute("ROLLBACK")

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def served(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    for name, value in {"TIMEOUT": "300", "MAX_RETRIES": "0"}.items():
        monkeypatch.setenv(f"MLFLOW_HTTP_REQUEST_{name}", value)
    server = Served(root, monkeypatch)
    list(open_store(root).runs("ring"))  # the first of each request takes longer
    yield server
    server.die()


@pytest.fixture
def lock(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lock]:
    """MLflow waits 20 s for a lock; here less."""
    from sqlalchemy import sql

    text = sql.text
    monkeypatch.setattr(sql, "text", lambda said: text(said.replace("busy_timeout = 20000", "busy_timeout = 20")))
    held = Lock(root)
    yield held
    held.close()


@pytest.fixture
def training(root: Path, monkeypatch: pytest.MonkeyPatch) -> Scripted:
    monkeypatch.setattr(follower, "FLUSH", 0.0)
    monkeypatch.setattr(follower, "ATTEMPTS", 3)
    return Scripted(root, monkeypatch)


def steps_of(training: Scripted) -> tuple[str, list[int]]:
    status, values = training.found()
    return status, sorted(values)


def nothing() -> None:
    pass


def broken(training: Scripted, last: int, breaks: Callable[[], None]) -> Callable[[], None]:
    """A step of the training after which the store fails."""

    def step() -> None:
        training.write(last)
        breaks()

    return step


def made_up_for(training: Scripted, mended: Callable[[], None], capsys: pytest.CaptureFixture[str]) -> None:
    """The training ends without its follower; a sync says what is wrong, and once that is mended adds what lacks."""
    write_all(training.root, "ring", "lsgan", 0)
    logging.getLogger("mlflow").setLevel(logging.INFO)  # as where mlflow was imported before ganpipe
    with pytest.raises(UserError, match=r"^The MLflow store .* fails; start or repair it, or name another: "):
        sync(training.root)
    capsys.readouterr()
    assert ganpipe(training.root, "track") == 2
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1), said
    mended()
    assert ganpipe(training.root, "track") == 0
    assert capsys.readouterr().out == "MLflow: 1 replaced.\n"
    assert steps_of(training) == ("FINISHED", [100, 200, 300, 400, 500])
    assert sync(training.root).unchanged == 1


def test_a_server_that_dies_for_a_while(training: Scripted, served: Served) -> None:
    steps = [lambda: training.write(2), broken(training, 4, served.die), nothing, served.start, training.end]
    assert training.follow(*steps).startswith("FINISHED")
    assert steps_of(training) == ("FINISHED", [100, 200, 300, 400])


def test_a_server_that_dies_for_good(training: Scripted, served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(follower.GaveUp, match="3 attempts failed"):
        training.follow(lambda: training.write(2), broken(training, 4, served.die), nothing, nothing)
    made_up_for(training, served.start, capsys)


@pytest.mark.parametrize("late", [False, True], ids=["lost", "late"])
def test_answers_that_do_not_come_double_nothing(
    training: Scripted, served: Served, late: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first request of each kind is carried out; its answer is lost, or comes after nobody waits for it."""
    seen: set[str] = set()
    over = threading.Event()

    def mishap(path: str) -> None:
        kind = path.partition("mlflow/")[2]
        if kind in KINDS and kind not in seen:
            seen.add(kind)
            if not late:
                raise ConnectionAbortedError
            over.wait()

    served.mishap = mishap
    if late:
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "2")
    # a busy machine may answer others late, too: so the training ends at the first pause, however many there are
    monkeypatch.setattr(follower, "ATTEMPTS", 100)
    monkeypatch.setattr(follower, "_pause", lambda _: training.end())
    training.write(4)
    try:
        assert follower._follow(training.job).startswith("FINISHED")
    finally:
        over.set()
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "300")
    assert seen == KINDS
    assert steps_of(training) == ("FINISHED", [100, 200, 300, 400])
    assert sync(training.root).unchanged == 1


def test_a_database_that_is_locked_for_good(training: Scripted, lock: Lock, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(follower.GaveUp, match="3 attempts failed"):
        training.follow(lambda: training.write(2), broken(training, 4, lock.take), nothing, nothing)
    made_up_for(training, lock.release, capsys)


def test_a_clock_that_jumps(training: Scripted, store: Store, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look at the clock is a day before or after the last one: all metrics are there, and no time is negative."""
    monkeypatch.setattr("time.time_ns", jumping())
    steps = [lambda: training.write(2), lambda: training.write(4), lambda: training.write(5), training.end]
    assert training.follow(*steps).startswith("FINISHED")
    assert steps_of(training) == ("FINISHED", [100, 200, 300, 400, 500])
    (run,) = store.find(training.job.run_key)
    assert 0 < run.info.start_time <= run.info.end_time
    times = [m.timestamp for m in sorted(store.client.get_metric_history(run.info.run_id, KEY), key=lambda m: m.step)]
    assert times == sorted(times)

    # a metric of the evaluation that changes, while the clock runs backwards
    for value in (3.0, 2.0, 1.0):
        store.log_evaluation(store.find(training.job.run_key)[0], SeedEvaluation({"eval/x": value}))
        (run,) = store.find(training.job.run_key)
        assert run.data.metrics["eval/x"] == value
        assert not store.log_evaluation(run, SeedEvaluation({"eval/x": value}))


def jumping() -> Callable[[], int]:
    """A clock that goes to and fro by ever larger steps, and into the past in all."""
    day, calls = 86_400 * 10**9, [0]

    def now() -> int:
        calls[0] += 1
        return 1_800_000_000 * 10**9 - calls[0] * day * (-1) ** calls[0] - calls[0] * day // 2

    return now
