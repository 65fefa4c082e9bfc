"""The processes in which DVC reproduces stages side by side, on a pipeline of shell commands."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import psutil
import pytest

from ganpipe.sweep import workers
from ganpipe.sweep.schedule import Job, Outcome, Schedule
from ganpipe.sweep.workers import Pool, Worker

PIPELINE = """
stages:
  device:
    matrix: {n: [0, 1, 2, 3]}
    # two of them are under way at a time, whatever else the machine is at
    cmd: touch begun${item.n}; until [ -e begun0 ] && [ -e begun1 ]; do sleep 0.05; done;
      printf %s "$CUDA_VISIBLE_DEVICES" >device${item.n}
    outs: ["device${item.n}"]
  after:
    matrix: {n: [0, 1, 2, 3]}
    cmd: cp device${item.n} after${item.n}
    deps: ["device${item.n}"]
    outs: ["after${item.n}"]
  slow: {cmd: "sleep 2; echo slow >slow", outs: [slow]}
  late: {cmd: "echo late >late", outs: [late]}
  endless: {cmd: "echo $$ >>begun; sleep 600", outs: [endless]}
  sentence: {cmd: "echo 'ganpipe: data/specs is missing: make it.' >&2; echo more; exit 2", outs: [a]}
  raised: {cmd: "printf 'Traceback\\\\n  x\\\\nValueError: no such luck\\\\n' >&2; exit 1", outs: [b]}
  killed: {cmd: "kill -9 $$", outs: [c]}
  forgetful: {cmd: "true", outs: [d]}
"""


@pytest.fixture
def root(tmp_path: Path, environment: dict[str, str]) -> Path:
    folder = tmp_path / "repository"
    (folder / "logs").mkdir(parents=True)
    subprocess.run(
        [sys.executable, "-m", "dvc", "init", "--no-scm", "--quiet"], cwd=folder, env=environment, check=True
    )
    (folder / "dvc.yaml").write_text(PIPELINE)
    return folder


@pytest.fixture
def pool(root: Path, environment: dict[str, str]) -> Iterator[Pool]:
    """Two workers, each with a device of its own."""
    here = environment | {"PYTHONPATH": str(Path(__file__).parents[2])}
    made = Pool(root, [here | {"CUDA_VISIBLE_DEVICES": device} for device in ("3", "7")], root / "logs")
    yield made
    made.close(20.0)
    assert processes(root) == []


def alive(process: psutil.Process) -> bool:
    """An orphan that has ended stays a zombie where the first process of a container doesn't ask for its exit code."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def processes(folder: Path) -> list[psutil.Process]:
    """Those that work in this folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()) == folder and alive(process):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def jobs(*names: str) -> list[Job]:
    needs = {name: (f"device@{name[-1]}",) if name.startswith("after") else () for name in names}
    return [Job(name, ("--single-item", name), needs[name], 1.0) for name in names]


def work(pool: Pool, todo: Sequence[Job]) -> dict[str, Outcome]:
    schedule = Schedule(todo, lambda _: None)
    pool.work(schedule)
    return schedule.outcomes


def until(what: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.05)


def test_every_stage_has_its_workers_device_and_a_place_in_the_lock_file(
    root: Path, pool: Pool, environment: dict[str, str]
) -> None:
    names = [f"{stage}@{n}" for stage in ("device", "after") for n in range(4)]
    outcomes = work(pool, jobs(*names))
    assert {name: outcome.did for name, outcome in outcomes.items()} == dict.fromkeys(names, "ran")
    devices = [(root / f"after{n}").read_text() for n in range(4)]
    assert set(devices) == {"3", "7"}
    status = [sys.executable, "-m", "dvc", "status", *names]
    done = subprocess.run(status, cwd=root, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "Data and pipelines are up to date.\n"
    (root / "after2").unlink()
    (root / "dvc.lock").unlink()
    again = work(pool, jobs("after@2"))
    assert again["after@2"].did == "restored"
    assert work(pool, jobs("after@2"))["after@2"].did == "kept"


def test_a_lock_file_is_replaced_and_never_half_written(root: Path, pool: Pool) -> None:
    work(pool, jobs("late"))
    lock = root / "dvc.lock"
    with lock.open() as before:
        said = before.read()
        work(pool, jobs("slow"))
        before.seek(0)
        assert before.read() == said
    assert lock.read_text().startswith(said)
    assert "slow:" in lock.read_text()


def test_a_failure_has_one_sentence(pool: Pool) -> None:
    outcomes = work(pool, jobs("sentence", "raised", "killed", "forgetful"))
    assert {outcome.did for outcome in outcomes.values()} == {"failed"}
    assert outcomes["sentence"].reason == "data/specs is missing: make it."
    assert outcomes["raised"].reason == "ValueError: no such luck"
    assert outcomes["killed"].reason == "its process was killed by signal 9, memory may have run out."
    assert outcomes["forgetful"].reason.startswith("failed to reproduce 'forgetful': output 'd' does not exist")


def test_what_another_dvc_is_making_is_waited_for(root: Path, pool: Pool, environment: dict[str, str]) -> None:
    other = [sys.executable, "-m", "dvc", "repro", "--single-item", "slow"]
    with subprocess.Popen(other, cwd=root, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "Running stage 'slow':\n"
        outcome = work(pool, jobs("slow"))["slow"]
        assert outcome.did in ("kept", "restored")
        process.communicate()
    assert process.returncode == 0


def begun(root: Path) -> int | None:
    """The process of the endless stage, once it runs."""
    file = root / "begun"
    said = file.read_text() if file.exists() else ""
    return int(said) if said.endswith("\n") else None


def test_a_worker_that_is_killed_costs_one_stage(root: Path, pool: Pool) -> None:
    killed: list[psutil.Process] = []

    def kill() -> None:
        until(lambda: begun(root))
        stage = psutil.Process(begun(root))
        stage.parent().kill()
        killed.append(stage)

    killer = threading.Thread(target=kill)
    killer.start()
    outcomes = work(pool, jobs("endless", "slow", "sentence", "late"))
    killer.join()
    assert {name: outcome.did for name, outcome in outcomes.items()} == {
        "endless": "failed",
        "slow": "ran",
        "sentence": "failed",
        "late": "ran",
    }
    assert outcomes["endless"].reason == "the process of its worker was killed."
    assert not alive(killed[0])


def test_a_sweep_that_cannot_say_what_was_done_ends(root: Path, pool: Pool) -> None:
    """At once, with what is under way, and not only when that has ended by itself."""
    told: list[str] = []

    def tell(outcome: Outcome) -> None:
        told.append(outcome.job.name)
        until(lambda: begun(root))
        raise OSError(errno.ENOSPC, "No space left on device")

    schedule = Schedule(jobs("endless", "late", "slow"), tell)
    with pytest.raises(OSError, match="No space left on device"):
        pool.work(schedule)
    assert told == ["late"]
    until(lambda: processes(root) == [], 30.0)
    assert not (root / "slow").exists()


def test_without_a_place_for_logs_nothing_counts_as_done(root: Path, environment: dict[str, str]) -> None:
    pool = Pool(root, [environment | {"PYTHONPATH": str(Path(__file__).parents[2])}] * 2, root / "nowhere")
    schedule = Schedule(jobs("late", "slow"), lambda _: None)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        pool.work(schedule)
    assert schedule.outcomes == {}
    assert processes(root) == []


@pytest.mark.parametrize("after", [1, 2])
def test_where_no_worker_can_be_made_the_sweep_ends(
    root: Path, pool: Pool, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """The second one at the start, or the one that is to take the place of one that was killed."""
    made: list[Worker] = []

    class Limited(Worker):
        def __init__(self, root: Path, environment: Mapping[str, str]) -> None:
            if len(made) == after:
                raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
            super().__init__(root, environment)
            made.append(self)

    def lost(self: Worker, arguments: Sequence[str], log: Path) -> None:
        """As that of a process that is killed."""

    monkeypatch.setattr(workers, "Worker", Limited)
    monkeypatch.setattr(Worker, "dvc", lost)
    with pytest.raises(BlockingIOError):
        pool.work(Schedule(jobs("late", "slow"), lambda _: None))


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_when_the_sweep_ends_so_do_its_stages(root: Path, environment: dict[str, str], ending: signal.Signals) -> None:
    """A process of its own holds the pool; it is interrupted or killed while a stage is under way."""
    code = (
        "import os; from pathlib import Path\n"
        "from ganpipe.sweep.schedule import *; from ganpipe.sweep.workers import *\n"
        "schedule = Schedule([Job('endless', ('--single-item', 'endless'), (), 1.0)], print)\n"
        "try: Pool(Path(), [dict(os.environ)] * 2, Path('logs').resolve()).work(schedule)\n"
        "except KeyboardInterrupt: raise SystemExit(130)\n"
    )
    here = environment | {"PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen([sys.executable, "-c", code], cwd=root, env=here, stdout=subprocess.PIPE) as process:
        until(lambda: begun(root))
        process.send_signal(ending)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == (130 if ending == signal.SIGINT else -ending)
    assert said == b""
    until(lambda: processes(root) == [], 30.0)
    assert not (root / "dvc.lock").exists()
    # DVC holds no lock of it any more
    again = subprocess.run([sys.executable, "-m", "dvc", "repro", "--single-item", "slow"], cwd=root, env=here)
    assert again.returncode == 0
    assert os.path.exists(root / "slow")
