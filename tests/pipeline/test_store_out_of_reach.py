"""The stage itself beside a store that gives no answer: the same files and exit code, and no wait for the store."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from pipeline_project import Project

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are found in /proc"),
]


@contextmanager
def silent_server(root: Path) -> Iterator[str]:
    """Takes connections and answers nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=16) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@contextmanager
def dead_server(root: Path) -> Iterator[str]:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{closed.getsockname()[1]}"


@contextmanager
def locked_database(root: Path) -> Iterator[str]:
    """Another process holds SQLite's lock and doesn't let go."""
    with closing(sqlite3.connect(root / "mlflow.db", isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield ""


def followers(run_dir: Path) -> list[int]:
    """The processes that follow this run."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = process.joinpath("cmdline").read_text().split("\0")
        except OSError:  # it has ended meanwhile
            continue
        if "ganpipe.tracking" in command and str(run_dir) in command:
            found.append(int(process.name))
    return found


@pytest.mark.parametrize("store", [dead_server, silent_server, locked_database])
def test_the_training_ends_while_its_store_gives_no_answer(store: object, project: Project) -> None:
    run_dir = project.root / "runs/digits/lsgan/0"
    before = {path: path.read_bytes() for path in run_dir.rglob("*") if path.is_file()}
    with store(project.root) as uri:  # type: ignore[operator]
        environment = {key: value for key, value in project.environment.items() if key != "GANPIPE_TRACKING"}
        done = subprocess.run(
            ["python", "-m", "stages.train", "lsgan", "0"], cwd=project.root, capture_output=True, text=True,
            env=environment | ({"MLFLOW_TRACKING_URI": uri} if uri else {}),
        )  # fmt: skip
        # the store is as it was, so whoever had waited for it would be waiting now
        pids = followers(run_dir)
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
    assert done.returncode == 0, done.stderr
    assert not any(word in done.stderr for word in ("MLflow", "Traceback", "Warning")), done.stderr
    assert {path: path.read_bytes() for path in run_dir.rglob("*") if path.is_file()} == before
    assert pids or (project.root / ".cache/tracking/digits-lsgan-0.log").read_text().startswith("Gave up, ")
