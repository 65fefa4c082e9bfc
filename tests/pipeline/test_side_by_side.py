"""Two `dvc repro` at once, in one project or in two that share a cache: nothing breaks, and the bits are the same."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pipeline_project import Project

pytestmark = pytest.mark.slow

TARGET = "stages/dvc.yaml:train@wgan_gp-0"


def begin(project: Project, *targets: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["python", "-m", "dvc", "repro", *targets], cwd=project.root, env=project.environment,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def runs(project: Project, row: str) -> dict[str, str]:
    return {name: digest for name, digest in project.results().items() if name.startswith(f"runs/digits/{row}/")}


def files(project: Project) -> dict[str, bytes]:
    folder = project.root / "runs/digits/wgan_gp/0"
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def started(dvc: subprocess.Popen[str], locks: Path, seconds: float = 300.0) -> int:
    """Wait for the training, which leaves its number beside its lock."""
    deadline = time.monotonic() + seconds
    while True:
        for path in locks.glob("train-digits-wgan_gp-0-*.pid"):
            if text := path.read_text():
                return int(text)
        assert time.monotonic() < deadline
        assert dvc.poll() is None, dvc.communicate()[0]
        time.sleep(0.01)


@pytest.mark.skipif(sys.platform == "win32", reason="no process can be stopped there")
def test_in_one_project_the_second_is_refused_and_has_nothing_to_do_afterwards(project: Project) -> None:
    """The first one's training is stopped in the middle meanwhile, so that it does not end too early."""
    with project.params() as params:
        params["variants"]["wgan_gp"].update(steps=300, log_every=20, sample_grid_every=200)
    locks = project.root / ".ckpt/locks"
    for path in locks.glob("train-digits-wgan_gp-0-*.pid"):  # of the training before
        path.unlink()
    first = begin(project, TARGET)
    training = 0
    try:
        training = started(first, locks)
        os.kill(training, signal.SIGSTOP)
        before = files(project)
        second = project.repro(TARGET, ok=False)
        after = files(project)
    finally:
        if training:
            os.kill(training, signal.SIGCONT)
    said = first.communicate()[0]
    assert first.returncode == 0, said
    assert after == before
    assert second.ran == set()
    assert re.search(r"is busy, it is being blocked by:\n  \(PID \d+\): ", second.text), second.text
    assert "Traceback" not in said
    assert project.repro(TARGET).ran == set()
    found = runs(project, "wgan_gp")
    project.run("python", "-m", "stages.train", "wgan_gp", "0")
    assert runs(project, "wgan_gp") == found


def test_two_projects_that_share_a_cache(blank: Project, built: Project, tmp_path: Path) -> None:
    clones = [blank.clone(tmp_path / name) for name in ("one", "other")]
    for clone in clones:
        clone.dvc("cache", "dir", "--local", str(tmp_path / "cache"))
    targets = [f"stages/dvc.yaml:train@lsgan-{seed}" for seed in (0, 1)]
    at_once = [begin(clone, *targets) for clone in clones]
    for process in at_once:
        said = process.communicate()[0]
        assert process.returncode == 0, said
        assert "Traceback" not in said
    for clone in clones:
        assert runs(clone, "lsgan") == runs(built, "lsgan")
        assert clone.repro(*targets).ran == set()
        assert not list((clone.root / ".dvc/cache").glob("files/*"))
    assert clones[0].dvc("status", *targets).out == "Data and pipelines are up to date.\n"
