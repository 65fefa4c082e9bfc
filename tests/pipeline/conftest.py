"""One small project, built once; each test has a copy of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import fork_server
import pytest
from pipeline_project import Project, Result, make
from running import Commands


@dataclass(frozen=True)
class Steps:
    """How a project was built: what each command did, and metrics.json after it."""

    project: Project
    results: list[Result]
    metrics: list[str]


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of every command: `python` starts at once, and nothing of the person's settings matters."""
    folder = tmp_path_factory.mktemp("environment")
    sockets = Path(tempfile.mkdtemp(prefix="fork"))  # the address of a socket is limited to 100 characters
    python, address = folder / "python", sockets / "socket"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" -IS "{fork_server.__file__}" call "{address}" "$@"\n')
    python.chmod(0o755)
    clean = {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "HOME": os.environ.get("HOME", str(folder)),
        "SHELL": "/bin/sh",
        "LANG": "C.UTF-8",
        "COLUMNS": "200",
        "OMP_NUM_THREADS": "1",
        "GANPIPE_TRACKING": "off",
        "DVC_SITE_CACHE_DIR": str(folder / "site"),
        "DVC_GLOBAL_CONFIG_DIR": str(folder / "global"),
        "DVC_SYSTEM_CONFIG_DIR": str(folder / "system"),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        **{f"GIT_{who}_{what}": "test@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    }
    command = [sys.executable, fork_server.__file__, "serve", str(address)]
    with subprocess.Popen(command, env=clean, cwd=folder, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n"
        yield clean | {"PATH": os.pathsep.join([str(folder), clean["PATH"]])}
        server.kill()
    shutil.rmtree(sockets)


@pytest.fixture(scope="session")
def blank(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project in which nothing has run. Not to be changed: clone it."""
    return make(tmp_path_factory.mktemp("blank"), environment)


@pytest.fixture(scope="session")
def steps(blank: Project, tmp_path_factory: pytest.TempPathFactory) -> Steps:
    """From nothing to everything: `dvc repro` of lsgan, once more, of ebgan, of lsgan again, and `dvc repro -P`."""
    project = blank.clone(tmp_path_factory.mktemp("built") / "project")
    results, metrics = [], []
    for loss, *arguments in (("lsgan",), ("lsgan",), ("ebgan",), ("lsgan",), ("lsgan", "-P")):
        with project.params() as params:
            params["loss"] = loss
        results.append(project.repro(*arguments))
        metrics.append((project.root / "metrics.json").read_text())
    project.commit()
    return Steps(project, results, metrics)


@pytest.fixture(scope="session")
def built(steps: Steps) -> Project:
    """The project after `dvc repro -P`, committed. Not to be changed: clone it."""
    return steps.project


@pytest.fixture
def fresh(blank: Project, tmp_path: Path) -> Project:
    """A project in which nothing has run."""
    return blank.clone(tmp_path / "project")


@pytest.fixture
def project(built: Project, tmp_path: Path) -> Project:
    """A project in which everything has run."""
    return built.clone(tmp_path / "project")


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Commands:
    """Runs commands of `ganpipe` in this process."""
    return Commands(monkeypatch, capsys)
