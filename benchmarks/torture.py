"""Kill the pipeline again and again, at random moments, and look whether it ends with the bits of one that was not.

    python -m benchmarks.torture [--kills 50] [--first 1] [--seed 0] [--rows lsgan ebgan ...] [--steps 300]

Each trial takes a project in which all that comes before its phase is done, starts `dvc repro`, and kills with SIGKILL
dvc alone, its child alone, or both, at a random moment of the phase: prepare, classifier, pretrain, train, checkpoint
(one is written after every step), evaluate, mlflow (a training that logs), commit (the child has ended and
dvc puts its results away). A kill that comes too late, when its phase has ended, is said and drawn anew. No process
may outlive its dvc. Then `dvc repro` runs again, and every result is compared with that of a project in which nothing
was killed. Clock times are the only thing that may differ. A kill in the second in which DVC writes a file of its own
leaves half of it: what `ganpipe check` names is removed before, as it says, and such cases are counted apart. Prints a
line a trial, and `N of N`.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from threading import Timer
from typing import Any

import psutil

from benchmarks.copies import commit, copy, edited
from ganpipe.pipeline import locks

ROWS = ("lsgan", "wgan_gp", "ebgan", "vae", "progressive", "stacked", "began", "unrolled", "ebm", "gmm")
# phase: the stage that is killed in, and the part of the project that is done before
PHASES = {
    "prepare": "prepare",
    "classifier": "classifier",
    "pretrain": "pretrain",
    "train": "train",
    "checkpoint": "train",
    "mlflow": "train",
    "evaluate": "evaluate",
    "commit": "train",
}
BEFORE = {"prepare": 0, "classifier": 1, "pretrain": 2, "train": 3, "evaluate": 4}
RESULTS = ("data", "classifiers", "reference_stats", "pretrained", "runs", "evals")
RUNNING = re.compile(r"Running stage '(?:.*:)?([^']*)'")
LIMIT = 900.0  # seconds of a `dvc repro` that nobody kills
ENDING = 60.0  # seconds that a child may take to end once its dvc is dead
ATTEMPTS = 12  # of a kill, each at four fifths of the one before
COMMIT = 0.3  # seconds in which dvc puts results away, or a little more


@dataclass(frozen=True)
class Trial:
    """One kill: in which phase, of which row, who, and after which share of the phase's time."""

    phase: str
    row: str
    victim: str
    share: float

    @property
    def stage(self) -> str:
        return PHASES[self.phase]

    @property
    def target(self) -> str:
        return target(self.stage, self.row)

    def __str__(self) -> str:
        return f"{self.phase:<10} {self.row:<12} {self.victim:<5} at {self.share:.2f}"


def target(stage: str, row: str) -> str:
    """What `dvc repro` is asked for."""
    return {
        "prepare": "prepare",
        "classifier": "stages/dvc.yaml:classifier",
        "pretrain": f"stages/dvc.yaml:pretrain@{row}",
        "train": f"stages/dvc.yaml:train@{row}-0",
        "evaluate": f"stages/dvc.yaml:evaluate@{row}",
    }[stage]


def brief(target: str) -> str:
    """The name that DVC says when it runs the stage."""
    return target.rpartition(":")[2]


def environment(**more: str) -> dict[str, str]:
    """One thread, no MLflow but where it is what is killed, and a new folder's own code."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    settings = {"PATH": path, "GANPIPE_TRACKING": "off", "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DVC_", "GANPIPE_", "MLFLOW_"))}
    return {**kept, **settings, **more}


def make(folder: Path, rows: tuple[str, ...], steps: int) -> Path:
    """A copy of the project with these variants, one seed and so few steps."""
    copy(folder)
    with edited(folder) as params:
        params["seeds"], params["loss"], params["runtime"]["device"] = [0], rows[0], "cpu"
        params["classifier"]["steps"] = steps
        params["evaluate"].update(
            max_samples=300, baseline_draws=2, sliced_wasserstein_projections=50, wasserstein_max_points=100
        )
        params["evaluate"]["kid"].update(subsets=10, size=100)
        params["train"].update(num_samples=300, sample_grid_every=100)
        params["train"]["snapshots"].update(count=3, num_samples=200)
        params["variants"] = {row: params["variants"][row] for row in rows}
        for mapping in (params["train"], *params["files"].values()):
            shorten(mapping, steps)
    return commit(folder)


def shorten(mapping: Any, steps: int) -> None:
    """At most so many steps, wherever they are counted."""
    for key, value in mapping.items():
        if isinstance(value, dict) and key != "algorithm":
            shorten(value, steps)
        elif key == "steps" and not isinstance(value, list):  # the named steps of snapshots
            mapping[key] = min(value, steps)


def repro(project: Path, *targets: str, **more: str) -> dict[str, float]:
    """Seconds from the beginning of each stage to that of the next one, or to the end."""
    marks: list[tuple[str, float]] = []
    said: list[str] = []
    with started(project, *targets, **more) as dvc:
        watchdog = Timer(LIMIT, os.killpg, (dvc.pid, signal.SIGKILL))
        watchdog.start()
        assert dvc.stdout
        for line in dvc.stdout:
            said.append(line)
            if found := RUNNING.search(line):
                marks.append((found[1], time.perf_counter()))
        marks.append(("", time.perf_counter()))
        watchdog.cancel()
    text = "".join(said)
    if dvc.returncode:
        raise RuntimeError(f"dvc repro {' '.join(targets)} ended with {dvc.returncode}:\n{text}")
    if "Traceback" in text:
        raise RuntimeError(f"a traceback:\n{text}")
    return {stage: end - start for (stage, start), (_, end) in pairwise(marks)}


def started(project: Path, *targets: str, **more: str) -> subprocess.Popen[str]:
    """`dvc repro`, in a session of its own."""
    return subprocess.Popen(
        [sys.executable, "-u", "-m", "dvc", "repro", *targets], cwd=project, env=environment(**more),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip


def stock(home: Path, rows: tuple[str, ...], steps: int) -> tuple[list[Path], dict[str, float]]:
    """The project as it is before each stage, the last one complete, and how many seconds each target took."""
    levels, seconds = [make(home / "0", rows, steps)], dict[str, float]()
    for number, stage in enumerate(("prepare", "classifier", "pretrain", "train", "evaluate"), 1):
        project = Path(shutil.copytree(levels[-1], home / str(number), symlinks=True))
        names = rows if stage in ("pretrain", "train", "evaluate") else rows[:1]
        seconds |= repro(project, *(target(stage, row) for row in names))
        if stage == "classifier":
            repro(project, "stages/dvc.yaml:reference_stats")
        levels.append(project)
        took = [seconds[brief(target(stage, row))] for row in names]
        print(f"{stage}: {min(took):.1f} to {max(took):.1f} s each", flush=True)
    return levels, seconds


def digests(project: Path, row: str, stage: str) -> dict[str, str]:
    """Of every result that a trial of this row and stage makes or could spoil."""
    found = {}
    for path in sorted(path for top in RESULTS for path in (project / top).rglob("*") if path.is_file()):
        name = path.relative_to(project)
        foreign = name.parts[0] in ("runs", "pretrained", "evals") and row not in (name.stem, *name.parts)
        if not foreign and name.name != ".gitignore":
            found[name.as_posix()] = hashlib.md5(path.read_bytes()).hexdigest()
    return found


def descendants(pid: int) -> list[int]:
    """All processes below this one that live in its session: what logs to MLflow has one of its own."""
    found = []
    with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
        for process in psutil.Process(pid).children(recursive=True):
            with contextlib.suppress(ProcessLookupError):
                found += [process.pid] * (os.getsid(process.pid) == os.getsid(pid))
    return found


def strike(dvc: subprocess.Popen[str], below: list[int], trial: Trial) -> bool:
    """Kill; returns whether that was in time, which is while the stage's process lives, in a commit while dvc does."""
    there = list(filter(alive, below))
    if dvc.poll() is not None or (not there and trial.phase != "commit"):
        return False
    for pid in {"dvc": [dvc.pid], "child": there, "both": [dvc.pid, *there]}[trial.victim]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return True


def killed(project: Path, trial: Trial, seconds: float) -> bool:
    """Start the trial's stage and kill in it. Returns, when no process of it is left, whether the kill was in time."""
    more = {"GANPIPE_CHECKPOINT_SECONDS": "0" if trial.phase in ("checkpoint", "evaluate") else "0.2"}
    if trial.phase == "mlflow":
        more["GANPIPE_TRACKING"] = "on"
    with started(project, trial.target, **more) as dvc:
        assert dvc.stdout
        while found := dvc.stdout.readline():
            mark = RUNNING.search(found)
            if mark and mark[1] == brief(trial.target):
                break
        below = descendants(dvc.pid)
        while not below and dvc.poll() is None:
            below = descendants(dvc.pid)
        if trial.phase == "commit":
            while any(map(alive, below)):
                time.sleep(0.002)
        time.sleep(trial.share * (COMMIT if trial.phase == "commit" else seconds))
        # before the kill, for who loses its parent is found no longer
        below = sorted({*below, *descendants(dvc.pid)})
        hit = strike(dvc, below, trial)
        deadline = time.monotonic() + ENDING
        while any(map(alive, below)) and time.monotonic() < deadline:
            time.sleep(0.05)
        if left := list(filter(alive, below)):
            for pid in left:
                os.kill(pid, signal.SIGKILL)
            raise RuntimeError(f"processes {left} lived {ENDING:.0f} s after the kill")
        dvc.stdout.read()
    return hit


def alive(pid: int) -> bool:
    """Whether a process has not ended, be it that nobody has waited for it yet."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    return False


def trials(number: int, rows: tuple[str, ...], seed: int, phases: Sequence[str] = tuple(PHASES)) -> Iterator[Trial]:
    """The phases in turn, with random rows, victims and moments."""
    rng = random.Random(seed)
    for index in range(number):
        phase = phases[index % len(phases)]
        fit = [row for row in rows if row in ("ebgan", "stacked")] if phase == "pretrain" else rows
        victims = ("dvc",) if phase == "commit" else ("dvc", "child", "both")
        yield Trial(phase, rng.choice(fit or rows), rng.choice(victims), rng.random())


def run(home: Path, chosen: Iterable[tuple[int, Trial]], rows: tuple[str, ...], steps: int) -> list[str]:
    """Numbered trials; returns a line for each that failed."""
    levels, seconds = stock(home, rows, steps)
    failed, late, mended = [], 0, 0
    for count, trial in chosen:
        before, complete = levels[BEFORE[trial.stage]], levels[BEFORE[trial.stage] + 1]
        began, drawn = time.perf_counter(), trial
        lost, wrong, hit, attempt = "", "", False, 0
        try:
            while not hit:
                # a place of its own: what a kill left may write to its folder for some seconds more
                project, attempt = home / f"trial-{count}-{attempt}", attempt + 1
                shutil.copytree(before, project, symlinks=True)
                hit = killed(project, drawn, seconds[brief(trial.target)])
                if not hit and attempt == ATTEMPTS:
                    raise RuntimeError(f"{ATTEMPTS} kills came too late")
                if not hit:
                    late, drawn = late + 1, replace(drawn, share=0.8 * drawn.share)
            lost = "" if list((project / ".ckpt").glob("*/*.safetensors")) else "no checkpoint"
            if broken := mend(project):
                mended, lost = mended + 1, f"{lost}  removed: {', '.join(broken)}"
            repro(project, trial.target)
            expected, found = (digests(one, trial.row, trial.stage) for one in (complete, project))
            names = [name for name in found if expected.get(name) != found[name]]
            names += [f"{name} is missing" for name in expected if name not in found and not later(name, trial.stage)]
            wrong = f"differs: {', '.join(names[:5])}" if names else ""
        except RuntimeError as error:
            wrong = f"failed: {error}"
        if wrong:
            failed.append(f"{drawn}: {wrong}")
        for used in home.glob("trial-*"):
            shutil.rmtree(used, ignore_errors=True)
        took = time.perf_counter() - began
        print(f"{count:>3}  {drawn}  {wrong or 'the same bits'}  {lost}  ({took:.0f} s)", flush=True)
    print(f"{late} kills came too late and were drawn anew")
    print(f"{mended} kills left a broken file of DVC's own, which was removed as `ganpipe check` says")
    return failed


def mend(project: Path) -> list[str]:
    """Remove the files of DVC's own that the kill left broken; returns their names."""
    found = list(locks.broken(project))
    for path in found:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return [path.relative_to(project).as_posix() for path in found]


def later(name: str, stage: str) -> bool:
    """Whether the complete project has this because more was made there than one trial makes."""
    made = {"prepare": ("data/prepared",), "classifier": ("classifiers",)}.get(stage)
    return made is not None and not name.startswith(made)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--first", type=int, default=1, help="begin with this one of them")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--rows", nargs="+", default=list(ROWS))
    asked = parser.parse_args()
    rows = tuple(asked.rows)
    chosen = list(enumerate(trials(asked.kills, rows, asked.seed), 1))[asked.first - 1 :]
    with tempfile.TemporaryDirectory(prefix="ganpipe-torture-") as home:
        failed = run(Path(home), chosen, rows, asked.steps)
    phases = Counter(trial.phase for _, trial in chosen)
    print("kills by phase:", ", ".join(f"{phase} {count}" for phase, count in phases.items()))
    print("\n".join(failed))
    print(f"{len(chosen) - len(failed)} of {len(chosen)}")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
