"""The stage itself beside a store that gives no answer: the same files and exit code, and no wait for the store."""

from __future__ import annotations

import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from pipeline_project import Project

pytestmark = pytest.mark.slow


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


@contextmanager
def working_store(root: Path) -> Iterator[str]:
    yield ""


@pytest.mark.parametrize("store", [dead_server, silent_server, locked_database, working_store])
def test_the_training_ends_with_the_same_bits_whatever_its_store_does(store: object, project: Project) -> None:
    run_dir = project.root / "runs/digits/lsgan/0"
    before = {path: path.read_bytes() for path in run_dir.rglob("*") if path.is_file()}
    environment = {key: value for key, value in project.environment.items() if key != "GANPIPE_TRACKING"}
    with store(project.root) as uri:  # type: ignore[operator]
        environment |= {"MLFLOW_TRACKING_URI": uri} if uri else {}
        began = time.monotonic()
        done = subprocess.run(
            ["python", "-m", "stages.train", "lsgan", "0"], cwd=project.root, capture_output=True, text=True,
            env=environment,
        )  # fmt: skip
        took = time.monotonic() - began
    assert done.returncode == 0, done.stderr
    said = [line for line in done.stderr.splitlines() if "MLflow" in line]
    assert len(said) <= 1, done.stderr  # on a busy machine a working store may be late, too
    assert "Traceback" not in done.stderr
    assert "Warning" not in done.stderr
    assert {path: path.read_bytes() for path in run_dir.rglob("*") if path.is_file()} == before
    assert took < 60
    (record,) = project.root.glob(".tracking/digits/lsgan/*/0/run.json")
    assert record.read_bytes() == (run_dir / "run.json").read_bytes()
