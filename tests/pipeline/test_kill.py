"""SIGKILL under DVC: nothing is left behind, and the next `dvc repro` ends with the same bits."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from pipeline_project import Project, lengthened

from benchmarks.torture import alive

pytestmark = pytest.mark.slow

TARGET = "stages/dvc.yaml:train@wgan_gp-0"


def below(pid: int) -> list[int]:
    """The processes below this one."""
    return [process.pid for process in psutil.Process(pid).children(recursive=True)]


def ended(pid: int, within: float = 60.0) -> bool:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if not alive(pid):
            return True
        time.sleep(0.02)
    return False


def results(project: Project) -> dict[str, str]:
    return {name: digest for name, digest in project.results().items() if name.startswith("runs/digits/wgan_gp/0")}


@pytest.fixture
def long(built: Project, tmp_path: Path) -> Project:
    return lengthened(built, tmp_path / "project")


def start(project: Project, checkpoints: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-u", "-m", "dvc", "repro", TARGET]
    dvc = subprocess.Popen(
        command, cwd=project.root, env=project.environment | {"GANPIPE_CHECKPOINT_SECONDS": checkpoints},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    assert dvc.stdout
    said = ""
    while not re.search(r"Running stage '.*train@wgan_gp-0'", said):
        line = dvc.stdout.readline()
        assert line, said  # it has ended, and the history is that of the process before
        said += line
    history = project.root / "runs/digits/wgan_gp/0/history.csv"
    deadline = time.monotonic() + 120
    while not (history.is_file() and history.read_text().count("\n") > 3):
        assert time.monotonic() < deadline
        assert dvc.poll() is None, dvc.stdout.read()
        time.sleep(0.02)
    return dvc


def test_killed_and_asked_to_end_it_goes_on_with_the_same_bits(long: Project, tmp_path: Path) -> None:
    whole = long.clone(tmp_path / "whole")
    whole.repro(TARGET)
    expected = results(whole)
    assert len(expected) > 8

    # dvc alone: its child sees it, writes a checkpoint, and ends
    dvc = start(long, "1000")
    children = below(dvc.pid)
    assert children
    os.kill(dvc.pid, signal.SIGKILL)
    said = dvc.communicate()[0]
    assert all(map(ended, children))
    assert re.search(r"ganpipe: interrupted after step \d+: `dvc repro` goes on from there\.", said)

    # both, at once; what is lost is what came after the last checkpoint. dvc first: seeing its child end it writes its
    # file of locks anew, and half of that file would stop the next dvc
    dvc = start(long, "0")
    for pid in [dvc.pid, *below(dvc.pid)]:
        os.kill(pid, signal.SIGKILL)
    dvc.communicate()

    # as Ctrl-C does: the whole group is asked
    dvc = start(long, "1000")
    os.killpg(dvc.pid, signal.SIGINT)
    said = dvc.communicate()[0]
    assert dvc.returncode
    assert re.search(r"ganpipe: interrupted after step \d+: `dvc repro` goes on from there\.", said)
    assert "Traceback" not in said

    result = long.repro(TARGET)
    assert "checkpoint: goes on after step" in result.text
    assert results(long) == expected
    assert long.ganpipe("verify", "wgan_gp/0").out.endswith(
        f"{len(expected) - 1} of {len(expected) - 1} files are the same, bit by bit.\n"
    )


def test_so_does_one_on_two_devices_whose_processes_are_all_killed(long: Project, tmp_path: Path) -> None:
    two = Project(long.root, long.environment | {"GANPIPE_DEVICES": "2"})
    whole = two.clone(tmp_path / "whole")
    whole.repro(TARGET)
    expected = results(whole)
    dvc = start(two, "0")
    children = below(dvc.pid)
    assert len(children) > 1
    for pid in (dvc.pid, *children):
        os.kill(pid, signal.SIGKILL)
    dvc.communicate()
    assert all(map(ended, children))
    assert "goes on after step" in two.repro(TARGET).text
    assert results(two) == expected
    assert json.loads((two.root / "runs/digits/wgan_gp/0/run.json").read_text())["num_devices"] == 2
