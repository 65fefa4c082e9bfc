"""In which order a sweep runs its stages, how many at a time, and what it says of those that fail."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from ganpipe.config.variant import Runtime
from ganpipe.pipeline import slots, sweep
from ganpipe.pipeline.plan import Item
from ganpipe.utils.errors import UserError

PIPELINE = """
stages:
  device:
    matrix: {n: [0, 1, 2, 3]}
    # two of them run at a time, whatever else the machine does
    cmd: touch begun${item.n}; until [ -e begun0 ] && [ -e begun1 ]; do sleep 0.05; done;
      printf %s "$CUDA_VISIBLE_DEVICES" >device${item.n}
    outs: ["device${item.n}"]
  after: {cmd: "cp device0 after", deps: [device0], outs: [after]}
  endless: {cmd: "echo $$ >begun; sleep 600", outs: [endless]}
  sentence: {cmd: "echo 'ganpipe: data/specs is missing: make it.' >&2; echo more; exit 2", outs: [a]}
  raised: {cmd: "printf 'Traceback\\\\n  x\\\\nValueError: no such luck\\\\n' >&2; exit 1", outs: [b]}
  killed: {cmd: "kill -9 $$", outs: [c]}
  forgetful: {cmd: "true", outs: [d]}
  dependent: {cmd: "cp a e", deps: [a], outs: [e]}
"""


def item(stage: str, *needs: str, seconds: float | None = 1.0) -> Item:
    return Item(stage, "never ran", seconds, False, stage, needs)


def runtime(device: str, threads: int = 1) -> Runtime:
    return Runtime.model_validate(
        {"device": device, "threads": threads, "precision": "float32", "deterministic": False}
    )


def test_priority_is_the_longest_chain_that_waits() -> None:
    items = [item("short"), item("long", seconds=5), item("first"), item("second", "first", seconds=9)]
    found = sweep.priorities([*items, item("last", "long")])
    assert found == {"short": 1, "long": 6, "first": 10, "second": 9, "last": 1}
    untimed = sweep.priorities([item("train@lsgan-0", seconds=None), item("evaluate@lsgan", seconds=None)])
    assert untimed["train@lsgan-0"] > untimed["evaluate@lsgan"]


def test_some_rows_take_along_what_they_need_and_nothing_of_others() -> None:
    shared = [item("resolve"), item("prepare", "resolve"), item("classifier", "prepare")]
    rows = [
        found
        for row in ("lsgan", "ebgan")
        for found in (
            item(f"pretrain@{row}", "prepare"),
            item(f"train@{row}-0", f"pretrain@{row}"),
            item(f"evaluate@{row}", f"train@{row}-0", "classifier"),
        )
    ]
    ends = [item("summary", "evaluate@lsgan"), item("report", "evaluate@lsgan", "evaluate@ebgan")]
    everything = [*shared, *rows, *ends]
    assert sweep.select_items(everything, frozenset()) == everything
    assert sweep.select_items(everything, frozenset({"lsgan"})) == [*shared, *rows[:3], ends[0]]
    # nothing of the other variant is left to do: the page of all variants can be made
    assert sweep.select_items([*rows[:3], *ends], frozenset({"lsgan"})) == [*rows[:3], *ends]


def test_as_many_as_the_cores_or_the_gpus_allow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "cores", lambda: 6)
    monkeypatch.setattr(slots, "gpus", lambda: ["3", "7"])
    for threads, number in ((1, 6), (4, 1), (8, 1)):
        assert slots.environments("auto", None, runtime("cpu", threads)) == [{}] * number
    assert slots.environments("9", None, runtime("cpu")) == [{}] * 9
    assert slots.environments("auto", None, runtime("mps")) == [{}]
    for jobs, per_gpu, devices in (("auto", None, "37"), ("auto", 2, "3737"), ("3", None, "373")):
        expected = [{"CUDA_VISIBLE_DEVICES": device} for device in devices]
        assert slots.environments(jobs, per_gpu, runtime("cuda")) == expected


@pytest.mark.parametrize(
    ("jobs", "per_gpu", "device", "says"),
    [
        ("0", None, "cpu", "^-j is '0': "),
        ("two", None, "cpu", "^-j is 'two': "),
        ("auto", 2, "cpu", "^--per-gpu is for CUDA, and runtime.device is cpu here: "),
        ("auto", 0, "cuda", "^--per-gpu is 0: "),
        ("2", 1, "cuda", "^-j and --per-gpu exclude each other: "),
    ],
)
def test_arguments_that_make_no_sense(jobs: str, per_gpu: int | None, device: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        slots.environments(jobs, per_gpu, runtime(device))


def test_a_container_has_fewer_cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "CPU_QUOTA", tmp_path / "cpu.max")
    everything = slots.cores()
    assert everything >= 1
    for content, number in (("max 100000", everything), ("50000 100000", 1), ("100000 100000", 1), ("?", everything)):
        slots.CPU_QUOTA.write_text(content)
        assert slots.cores() == number


@pytest.fixture
def root(tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a pipeline of shell commands."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    command = [sys.executable, "-m", "dvc", "init", "--no-scm", "--quiet"]
    subprocess.run(command, cwd=tmp_path, check=True)
    (tmp_path / "dvc.yaml").write_text(PIPELINE)
    (tmp_path / sweep.FOLDER).mkdir(parents=True)
    return tmp_path


def run(root: Path, items: list[Item], capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, str]]:
    """Sweep these stages; returns the exit code, and what the line of each stage says."""
    configuration: Any = SimpleNamespace(variants={}, data=SimpleNamespace(kind="digits"))
    slots = [{"CUDA_VISIBLE_DEVICES": device} for device in "37"]
    code = sweep.Sweep(configuration, root, frozenset(), slots).run(items)
    lines = capsys.readouterr().out.splitlines()[1 : len(items) + 1]
    return code, {line[19:].partition(":")[0]: line[:10].strip() + line[19:].partition(":")[2] for line in lines}


def below(folder: Path) -> list[psutil.Process]:
    """The processes that work in this folder and have not ended."""
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()) == folder and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def until(what: Callable[[], object], seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.05)


@pytest.mark.slow
def test_every_stage_has_a_device_and_a_failure_takes_along_what_needs_it(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [f"device@{n}" for n in range(4)]
    failing = [item(name) for name in ("sentence", "raised", "killed", "forgetful")]
    # the longest chain first, so that the two that wait for each other begin at once
    items = [item(name, seconds=9.0) for name in names] + [item("after", "device@0"), *failing]
    code, outcomes = run(root, [*items, item("dependent", "sentence")], capsys)
    assert code == 1
    assert outcomes == {
        **dict.fromkeys([*names, "after"], "done"),
        "sentence": "FAILED data/specs is missing: make it.",
        "raised": "FAILED ValueError: no such luck",
        "killed": "FAILED its process was killed by signal 9, memory may have run out.",
        "forgetful": "FAILED failed to reproduce 'forgetful': output 'd' does not exist",
        "dependent": "skipped sentence failed",
    }
    assert {(root / f"device{n}").read_text() for n in range(4)} == {"3", "7"}
    status = [sys.executable, "-m", "dvc", "status", *names, "after"]
    done = subprocess.run(status, cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout == "Data and pipelines are up to date.\n"
    (root / "after").unlink()
    (root / "dvc.lock").unlink()
    assert run(root, [item("after")], capsys) == (0, {"after": "restored"})
    assert run(root, [item("after")], capsys) == (0, {"after": "up to date"})


@pytest.mark.slow
def test_when_the_sweep_is_interrupted_so_are_its_stages(root: Path) -> None:
    """A process of its own holds the sweep."""
    code = (
        "import sys; from pathlib import Path; from types import SimpleNamespace as N\n"
        "from ganpipe.pipeline.sweep import *\n"
        ""
        "items = [Item(name, '', 1.0, False, name, ()) for name in ('endless', 'raised')]\n"
        "try: Sweep(N(variants={}, data=N(kind='x')), Path(), frozenset(), [{}, {}]).run(items)\n"
        "except KeyboardInterrupt: sys.exit(130)\n"
    )
    source = str(Path(__file__).parents[2])
    with subprocess.Popen([sys.executable, "-c", f"import sys; sys.path.append({source!r})\n{code}"], cwd=root) as own:
        begun = root / "begun"
        until(lambda: begun.exists() and begun.read_text().endswith("\n"))
        own.send_signal(signal.SIGINT)
        assert own.wait(60) == 130
    until(lambda: below(root) == [], 30.0)
    assert not (root / "dvc.lock").exists()
    # DVC holds no lock of it any more
    again = subprocess.run([sys.executable, "-m", "dvc", "repro", "--single-item", "raised"], cwd=root, text=True,
        capture_output=True)  # fmt: skip
    assert "Running stage 'raised'" in again.stdout
