"""A training and its thread in one process: whatever happens to the store, nothing is felt and nothing is lost."""

from __future__ import annotations

import json
import shutil
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from command import ganpipe
from dump import dump
from fake_training import facts, write_evaluation, write_grid, write_history, write_run

from ganpipe.tracking import live
from ganpipe.tracking.launch import evaluated, ranked, tracked
from ganpipe.tracking.opening import open_store
from ganpipe.tracking.store import Store
from ganpipe.tracking.sync import sync
from ganpipe.utils.signals import Interrupted

WHOLE = [100, 200, 300, 400, 500]


@pytest.fixture(autouse=True)
def prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "POLL", 0.02)


@pytest.fixture
def out(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a training in an experiment of its own, which DVC removes."""
    monkeypatch.setenv("DVC_ROOT", str(root))
    folder = root / ".dvc" / "tmp" / "exps" / "x" / "runs" / "ring" / "lsgan" / "0"
    folder.mkdir(parents=True)
    yield folder
    for thread in threading.enumerate():
        if thread.name == "tracking":
            thread.join(60)


def train(out: Path, meanwhile: Callable[[], object] = str, seconds: float = 0.0) -> None:
    """A training that writes its files, and what happens when it has written a part."""
    with tracked(out, facts()) as record:
        write_history(out, 2)
        write_grid(out, 0)
        meanwhile()
        write_history(out, 5)
        write_grid(out, 500)
        (out / "run.json").write_text(json.dumps(facts()))
        record.seconds = seconds
    shutil.rmtree(out.parents[2])


def until(what: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait for a condition; fails after so many seconds."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.02)


def test_a_run_grows_with_its_training_and_is_what_sync_would_make_of_it(
    root: Path, store: Store, out: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DVC_EXP_NAME", "quiet-frog")

    def grown() -> None:
        def there() -> bool:
            found = dump(store)
            return bool(found and found["lsgan/0"]["metrics"].get("train/critic_loss") and found["lsgan/0"]["images"])

        until(there)
        run = dump(store)["lsgan/0"]
        assert (run["status"], run["tags"]["DVC_EXP_NAME"]) == ("RUNNING", "quiet-frog")
        assert run["params"]["objective.kind"] == "lsgan"

    train(out, grown)
    assert capfd.readouterr() == ("", "")
    before = dump(store, times=False)
    assert before["lsgan/0"]["status"] == "FINISHED"
    assert [step for step, *_ in before["lsgan/0"]["metrics"]["train/critic_loss"]] == WHOLE
    assert sync(root).counts.keys() == {"unchanged"}
    (run,) = store.runs("ring")
    store.client._tracking_client.store._hard_delete_run(run.info.run_id)
    sync(root)
    assert dump(store, times=False) == before


def test_the_folder_goes_while_the_store_is_locked_and_track_finds_the_run_complete(
    root: Path, out: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(live.WAIT, "FINISHED", 0.3)
    with closing(sqlite3.connect(root / "mlflow.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        began = time.monotonic()
        train(out)
        assert time.monotonic() - began < 5
        said = capfd.readouterr().err
        assert said.startswith("ganpipe: MLflow lacks something of this run, `ganpipe track` will complete it: ")
        assert said.count("\n") == 1
        other.execute("ROLLBACK")
    assert ganpipe(root, "track") == 0
    until(lambda: all(thread.name != "tracking" for thread in threading.enumerate()))
    run = dump(open_store(root))["lsgan/0"]
    assert run["status"] == "FINISHED"
    assert [step for step, *_ in run["metrics"]["train/critic_loss"]] == WHOLE
    assert len(run["images"]) == 4
    assert sync(root).counts.keys() == {"unchanged"}


def test_a_server_that_is_down_is_one_sentence(
    root: Path, out: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{nobody.getsockname()[1]}")
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        train(out, lambda: time.sleep(0.5))
    said = capfd.readouterr().err
    assert (said.count("\n"), said.count("`ganpipe track`")) == (1, 1), said
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert sync(root).counts == {"created": 1}


@pytest.mark.parametrize(("error", "status"), [(RuntimeError(), "FAILED"), (Interrupted(15), "KILLED")])
def test_a_training_that_ends_without_a_result_says_so_until_it_is_repeated(
    root: Path, store: Store, out: Path, error: BaseException, status: str
) -> None:
    def fail() -> None:
        until(lambda: dump(store))
        raise error

    with pytest.raises(type(error)):
        train(out, fail)
    assert dump(store)["lsgan/0"]["status"] == status
    assert sync(root).counts.keys() == {"unchanged"}
    train(out, seconds=40.0)  # in both of its processes
    run = dump(store)["lsgan/0"]
    assert (run["status"], run["end"] - run["start"]) == ("FINISHED", 40_000)


def test_an_evaluation_and_a_rank_are_logged_by_their_stages(
    root: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DVC_ROOT", str(root))
    monkeypatch.chdir(root)
    for seed in (0, 1):
        write_run(root, seed=seed)
    write_evaluation(root, [8.0, 6.0])
    sync(root)
    monkeypatch.setenv("DVC_EXP_NAME", "quiet-frog")
    evaluated(write_evaluation(root, [8.0, 7.0]).relative_to(root))
    ranked({"lsgan": ("2 of 3, between 1 and 3", 2.0), "unknown": ("", None)}, "ring")
    found = dump(store)
    assert found.keys() == {"lsgan (quiet-frog)", "lsgan/0", "lsgan/1"}
    parent = found["lsgan (quiet-frog)"]
    assert (parent["tags"]["rank"], parent["metrics"]["modes"][-1][1]) == ("2 of 3, between 1 and 3", 7.5)
    assert found["lsgan/1"]["parent"] == "lsgan (quiet-frog)"
    assert sync(root).counts.keys() == {"unchanged"}


def test_a_record_that_cannot_be_written_is_one_sentence_and_off_does_nothing(
    root: Path, out: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GANPIPE_TRACKING", "off")
    (root / ".tracking").write_text("a file in its place")
    train(out)
    assert capfd.readouterr().err == ""
    monkeypatch.delenv("GANPIPE_TRACKING")
    out.mkdir(parents=True)
    train(out)
    said = capfd.readouterr().err
    assert said.startswith("ganpipe: no record for MLflow, the work goes on: ")
    assert said.count("\n") == 1
