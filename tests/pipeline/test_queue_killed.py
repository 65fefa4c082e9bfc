"""A worker of `dvc queue` is killed: its training ends too, and queued again it ends with the same bits."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pipeline_project import Project
from test_kill import TARGET, below, ended, results

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="workers are found in /proc"),
]


def until(what: Callable[[], Any], said: Callable[[], str], seconds: float = 300.0) -> Any:
    """Wait for a condition, and return it."""
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, said()
        time.sleep(0.1)
    return found


def workers(project: Project) -> list[int]:
    """The processes that work for this project's queue."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if "queue-worker" in process.joinpath("cmdline").read_text().split("\0"):
                inside = process.joinpath("cwd").resolve().is_relative_to(project.root.resolve())
                found += [int(process.name)] * inside
        except OSError:  # it has ended meanwhile, or belongs to somebody else
            continue
    return found


def start(project: Project) -> None:
    """Start a worker, which holds on to the streams that it is started with."""
    command, none = ["python", "-m", "dvc", "queue", "start"], subprocess.DEVNULL
    subprocess.run(command, cwd=project.root, env=project.environment, stdout=none, stderr=none, check=True)


@pytest.fixture
def queued(built: Project, tmp_path: Path) -> Iterator[Project]:
    """A project with real processes and a checkpoint after each step; its workers end with the test."""
    path = built.environment["PATH"].partition(os.pathsep)[2]
    more = {"PATH": path, "GANPIPE_CHECKPOINT_SECONDS": "0"}
    project = Project(built.clone(tmp_path / "project").root, built.environment | more)
    with project.params() as params:
        params["variants"]["wgan_gp"].update(steps=300, log_every=20, sample_grid_every=200)
    project.commit()
    yield project
    for worker in workers(project):
        for pid in [worker, *below(worker)]:
            os.kill(pid, signal.SIGKILL)


def test_its_training_ends_and_goes_on_when_it_is_queued_again(queued: Project, tmp_path: Path, built: Project) -> None:
    whole = Project(queued.clone(tmp_path / "whole").root, built.environment)
    whole.run("python", "-m", "stages.resolve")
    whole.run("python", "-m", "stages.train", "wgan_gp", "0")

    def output() -> str:
        return "\n".join(path.read_text() for path in queued.root.glob(".dvc/tmp/exps/run/*/*.out"))

    def status() -> str:
        return queued.dvc("queue", "status").out

    queued.dvc("exp", "run", "--queue", "--name", "one", TARGET)
    start(queued)
    (worker,) = until(lambda: workers(queued), output)
    until(lambda: list(queued.root.glob(".ckpt/train-*/*.safetensors")), output)
    children = below(worker)
    assert children
    os.kill(worker, signal.SIGKILL)
    assert all(map(ended, children))
    assert re.search(r"ganpipe: interrupted after step \d+: `dvc repro` goes on from there\.", output())

    # DVC takes it for running for ever, so a worker that is started again doesn't take it up
    assert re.search(r"one .*Running", status())
    queued.dvc("queue", "kill", "one")
    until(lambda: re.search(r"one .*Failed", status()), output)  # once the system has forgotten the worker
    queued.dvc("queue", "remove", "--failed")

    queued.dvc("exp", "run", "--queue", "--name", "one", TARGET)
    start(queued)
    until(lambda: re.search(r"one .*(Success|Failed)", status()), output)
    assert "checkpoint: goes on after step" in output()
    queued.dvc("exp", "apply", "one")
    assert results(queued) == results(whole)
