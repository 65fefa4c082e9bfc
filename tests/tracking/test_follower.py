"""A process of its own follows a training, and nothing that happens to it or to the store is felt there."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import fake_training
import pytest
from fake_training import spec_file, write_all
from scripted import Scripted
from waiting import until

from ganpipe.tracking import follower
from ganpipe.tracking.identity import identity
from ganpipe.tracking.launch import start_follower
from ganpipe.tracking.paths import log_file
from ganpipe.tracking.projection import sync
from ganpipe.tracking.store import RunKey, Store


class Training:
    """A training in a process of its own, which does what it is told."""

    def __init__(self, root: Path, row: str) -> None:
        self.root, self.run_dir = root, root / "runs" / "ring" / row / "0"
        environment = {**os.environ, "DVC_STAGE": f"train@{row}-0", "PYTHONWARNINGS": "error"}
        command = [sys.executable, fake_training.__file__, str(root), row]
        self.process = subprocess.Popen(command, stdin=-1, stdout=-1, text=True, env=environment)
        assert self.process.stdout is not None
        self.launched = float(self.process.stdout.readline())
        self.head = RunKey(identity(spec_file(root, row).read_bytes(), 0), "ring", row, 0)

    def do(self, word: str) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == word + "\n"

    def end(self) -> None:
        self.process.communicate()

    def log(self) -> str:
        path = log_file(self.root, self.run_dir)
        return path.read_text() if path.exists() else ""


@pytest.fixture
def two(root: Path) -> Iterator[tuple[Training, Training]]:
    trainings = Training(root, "lsgan"), Training(root, "doomed")
    yield trainings
    for training in trainings:
        training.process.kill()
        training.end()
        until(training.log)


@pytest.mark.slow
def test_trainings_are_shown_while_they_run_to_their_end_or_their_death(
    two: tuple[Training, Training], root: Path, store: Store
) -> None:
    lives, dies = two
    assert max(lives.launched, dies.launched) < 0.5

    def steps(training: Training) -> list[int]:
        found = store.find(training.head)
        if not found:
            return []
        return [metric.step for metric in store.client.get_metric_history(found[0].info.run_id, "generator/loss")]

    for training in two:
        training.do("begin")
    for training in two:
        until(lambda training=training: steps(training) == [100, 200, 300])
    (run,) = store.find(lives.head)
    assert run.info.status == "RUNNING"
    assert run.data.params["objective.kind"] == "lsgan"
    assert run.data.tags["DVC_STAGE"] == "train@lsgan-0"

    os.kill(dies.process.pid, signal.SIGKILL)
    lives.do("relink")
    lives.do("complete")
    lives.end()
    until(lives.log)
    until(dies.log)
    assert lives.log().startswith(f"FINISHED: run {run.info.run_id}, "), lives.log()
    assert dies.log().startswith("FAILED: the training ended without a result: run "), dies.log()

    (run,) = store.find(lives.head)
    assert run.info.status == "FINISHED"
    assert run.info.end_time > run.info.start_time
    assert steps(lives) == [100 * k for k in range(1, 2001)]
    assert run.data.tags["ganpipe.spec"] == "c0ffee"
    grids = [file.path for file in store.client.list_artifacts(run.info.run_id, "grids")]
    assert grids == ["grids/000100.png", "grids/000200.png"]
    assert run.inputs.dataset_inputs[0].dataset.name == "ring"

    (failed,) = store.find(dies.head)
    assert failed.info.status == "FAILED"
    assert steps(dies) == [100, 200, 300]
    assert sync(root).unchanged == 1

    write_all(root, "ring", "doomed", 0)
    report = sync(root)
    assert (report.replaced, report.unchanged) == (1, 1)
    (run,) = store.find(dies.head)
    assert (run.info.status, run.data.tags["DVC_STAGE"]) == ("FINISHED", "train@doomed-0")
    assert steps(dies) == [100, 200, 300, 400, 500]


@pytest.mark.slow
def test_a_dead_server_costs_the_training_nothing(
    tmp_path: Path, compiled: None, clean: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{closed.getsockname()[1]}")
    run_dir = tmp_path / "runs" / "ring" / "lsgan" / "0"
    run_dir.mkdir(parents=True)
    began = time.perf_counter()
    start_follower(run_dir, spec_file(tmp_path, "lsgan"), 0, tmp_path)
    assert time.perf_counter() - began < 0.5
    log = log_file(tmp_path, run_dir)
    until(log.read_text)
    _, status = os.waitpid(-1, 0)
    assert os.waitstatus_to_exitcode(status) == 1
    (line,) = log.read_text().splitlines()
    assert line.startswith("Gave up, `ganpipe track` will make up for it: 3 attempts failed")
    assert not (tmp_path / "mlflow.db").exists()


def test_switched_off_or_without_a_spec_it_starts_nothing(
    tmp_path: Path, clean: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    start_follower(tmp_path / "runs", tmp_path / "none.json", 0, tmp_path)
    assert "Training goes on without MLflow" in caplog.text
    monkeypatch.setenv("GANPIPE_TRACKING", "off")
    monkeypatch.setattr(subprocess, "Popen", None)
    start_follower(tmp_path / "runs", spec_file(tmp_path, "lsgan"), 0, tmp_path)
    assert not (tmp_path / ".cache").exists()


@pytest.mark.slow
def test_it_runs_at_the_lowest_priority(clean: None) -> None:
    code = "import os; from ganpipe.tracking import follower; follower._lower_priority(); assert os.nice(0) == 19"
    environment = {key: value for key, value in os.environ.items() if key != follower.NICE}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, start_new_session=True)


@pytest.fixture
def scripted(root: Path, monkeypatch: pytest.MonkeyPatch) -> Scripted:
    return Scripted(root, monkeypatch)


def test_a_history_that_was_rewritten_makes_the_run_anew(scripted: Scripted, root: Path, store: Store) -> None:
    def rewrite() -> None:
        scripted.write(2, lambda text: text.replace("-0.5", "7"))
        scripted.end()

    assert scripted.follow(lambda: scripted.write(4), rewrite).startswith("FINISHED")
    assert scripted.found() == ("FINISHED", {100: 7.0, 200: -1.0})
    assert sync(root).unchanged == 1
    (run,) = store.find(scripted.job.run_key)
    assert scripted.follow().startswith(f"FINISHED: run {run.info.run_id}")


def test_a_result_that_dvc_is_just_moving_is_waited_for(
    scripted: Scripted, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower.Job, "trainer_lives", lambda _: False)
    scripted.end()  # the history is missing, and a grid is half written
    picture = scripted.run_dir / "grids" / "000100.png"
    whole = picture.read_bytes()
    picture.write_bytes(whole[:-5])
    assert scripted.follow(lambda: scripted.write(4), lambda: picture.write_bytes(whole)).startswith("FINISHED")
    assert sync(root).unchanged == 1


def test_a_row_that_does_not_apply_leaves_no_run(scripted: Scripted, store: Store) -> None:
    scripted.follow(lambda: scripted.end(not_applicable="points have no pixels"))
    assert store.find(scripted.job.run_key) == []
