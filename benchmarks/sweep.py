"""`ganpipe sweep -j 2` beside `-j 1`, in one run: seconds of the whole, and whether every bit is the same.

    python -m benchmarks.sweep [--rounds 2] [--rows 6] [--seeds 2] [--steps 500] [--jobs 2]
    python -m benchmarks.sweep --cold 10 [--jobs 4]

Each sweep begins from nothing, in a copy of this project of its own: the first rows of params.yaml with so many steps
each, with the default protocol of the evaluation and with MLflow. The contenders take turns, and every other round the
other way round: -j 1 with trainings of one thread, -j 1 with trainings of as many as `--jobs`, and --jobs with one.

--cold: so many sweeps of two variants and two seeds on the ring, each with an empty DVC cache and an empty MLflow store
that the first trainings open at the same time. A start is good where the sweep ends with 0, no log knows of an error
or warning, and the store holds every training as finished.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import platform
import re
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.copies import commit, copy, edited

COMPARED = ("data", "classifiers", "reference_stats", "pretrained", "runs", "evals")
PAUSE = 2.0  # seconds to let the machine calm down
SMALL_EVALUATION = {"baseline_draws": 2, "sliced_wasserstein_projections": 50, "wasserstein_max_points": 100}


def project(folder: Path, rows: int, seeds: int, steps: int, threads: int, small: bool = False) -> Path:
    """A copy of the project as it stands, in which nothing has run."""
    copy(folder)
    with edited(folder) as params:
        params["seeds"] = list(range(seeds))
        params["runtime"].update(device="cpu", threads=threads)
        params["variants"] = dict(list(params["variants"].items())[:rows])
        params["loss"] = next(iter(params["variants"]))
        shorten(params, steps)
        if small:
            params["data"]["kind"] = "ring"
            params["datasets"]["ring"].update(train=1000, test=500)
            for key, value in SMALL_EVALUATION.items():
                params["evaluate"][key] = value
            params["train"]["num_samples"], params["train"]["snapshots"]["num_samples"] = 500, 100
    return commit(folder)


def shorten(params: Any, steps: int) -> None:
    """So many steps for every training that has more; what trains before the game stays as it is."""
    for row in (params["train"], *params["files"].values()):
        for layer in (row, *row.get("overrides", {}).values()):
            if row is params["train"] or "steps" in layer:
                layer["steps"] = steps


def sweep(root: Path, jobs: int, **more: str) -> tuple[float, subprocess.CompletedProcess[str]]:
    """Seconds of one sweep, and what it said."""
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "MLFLOW_TRACKING_URI")}
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment["PATH"]])
    environment |= more
    environment["DVC_SITE_CACHE_DIR"] = str(root / ".site")
    command = [sys.executable, "-m", "ganpipe.cli", "sweep", "-j", str(jobs)]
    start = time.monotonic()
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
    seconds = time.monotonic() - start
    return seconds, done


def cpu() -> float:
    """Seconds of CPU of all processes that have ended below this one."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def working(root: Path) -> list[int]:
    """The processes that work in this folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if process.joinpath("cwd").readlink() == root:
                found.append(int(process.name))
    return found


def digests(root: Path) -> dict[str, str]:
    """Of every file that the stages made, clocks and pages left out."""
    files = [path for top in COMPARED for path in (root / top).rglob("*") if path.is_file()]
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(files)}


def timed(arguments: argparse.Namespace, folder: Path) -> int:
    """All rounds; returns 0 where the bits are the same."""
    contenders = {
        "-j 1, 1 thread": (1, 1),
        f"-j 1, {arguments.jobs} threads": (1, arguments.jobs),
        f"-j {arguments.jobs}, 1 thread": (arguments.jobs, 1),
    }
    serial, _, parallel = contenders
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    same = True
    for number in range(arguments.rounds):
        made: dict[str, dict[str, str]] = {}
        for name in list(contenders)[:: -1 if number % 2 else 1]:
            jobs, threads = contenders[name]
            root = folder / f"{number}-{jobs}-{threads}"
            project(root, arguments.rows, arguments.seeds, arguments.steps, threads)
            time.sleep(PAUSE)
            load = os.getloadavg()[0]
            before = cpu()
            took, done = sweep(root, jobs)
            used = cpu() - before
            if done.returncode:
                print(done.stdout + done.stderr)
                return 1
            seconds[name].append(took)
            made[name] = digests(root)
            print(
                f"round {number + 1}: {name:16} {took:7.1f} s, {used:6.1f} s of CPU   (load before: {load:.1f})",
                flush=True,
            )
            shutil.rmtree(root)
        differing = [path for path in made[serial] if made[serial][path] != made[parallel].get(path)]
        missing = made[serial].keys() ^ made[parallel].keys()
        same = same and not differing and not missing
        best = min(seconds[name][-1] for name in contenders if name != parallel)
        ratio = best / seconds[parallel][-1]
        equal = f"{len(made[serial])} files the same" if same else f"DIFFERENT: {[*differing, *missing][:5]}"
        print(f"round {number + 1}: {ratio:.2f} times as fast as the best of -j 1; {equal}", flush=True)
    total = {name: sum(took) for name, took in seconds.items()}
    best = min(total[name] for name in contenders if name != parallel)
    for name, took in total.items():
        print(f"{name:16} {took / arguments.rounds:7.1f} s on average")
    print(f"-j {arguments.jobs} is {best / total[parallel]:.2f} times as fast as the best of -j 1; same bits: {same}")
    return int(not same)


def cold(arguments: argparse.Namespace, folder: Path) -> int:
    """Parallel first starts; returns 0 where all are good."""
    good = 0
    for number in range(arguments.cold):
        root = project(folder / str(number), 2, 2, 50, 1, small=True)
        took, done = sweep(root, arguments.jobs)
        logs = root.glob(".cache/sweep/*.log")
        said = {path.name: path.read_text(encoding="utf-8", errors="replace") for path in logs}
        said["sweep"] = done.stdout + done.stderr
        bad = [
            name
            for name, text in said.items()
            if re.search(r"Traceback|error|warning|failed|gave up", text, re.IGNORECASE)
        ]
        # four trainings and the two variants that they are seeds of
        subprocess.run([sys.executable, "-m", "ganpipe.cli", "track"], cwd=root, check=True)
        with contextlib.closing(sqlite3.connect(root / "mlflow.db")) as store:
            query = "select status, count(*) from runs where lifecycle_stage = 'active' group by status"
            runs = store.execute(query).fetchall()
        fine = done.returncode == 0 and not bad and runs == [("FINISHED", 6)] and not working(root)
        good += fine
        stores = ", ".join(f"{count} {status}" for status, count in runs)
        print(f"start {number + 1}: {took:6.1f} s, exit {done.returncode}, MLflow: {stores}", flush=True)
        if not fine:
            print("\n".join([f"--- {name}\n{said[name]}" for name in (*bad, "sweep")]))
        shutil.rmtree(root)
    print(f"{good} of {arguments.cold} parallel cold starts without an error")
    return int(good < arguments.cold)


def main() -> int:
    assert __doc__
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name, default in (("rounds", 2), ("rows", 6), ("seeds", 2), ("steps", 500), ("jobs", 2), ("cold", 0)):
        parser.add_argument(f"--{name}", type=int, default=default)
    arguments = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}", flush=True)
    with tempfile.TemporaryDirectory(prefix="sweep") as folder:
        return (cold if arguments.cold else timed)(arguments, Path(folder).resolve())


if __name__ == "__main__":
    sys.exit(main())
