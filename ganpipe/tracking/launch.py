"""Starts the follower of a training: a detached process that the training never waits for."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from pathlib import Path

from ganpipe.tracking.identity import identity
from ganpipe.tracking.paths import log_file

SWITCH = "GANPIPE_TRACKING"


def start_follower(run_dir: Path, spec_path: Path, seed: int, root: Path) -> None:
    """Start a process of lowest priority that shows this training in MLflow, and return within milliseconds.

    Call it from the training process itself, after `run_dir` was emptied of an earlier training's files: the
    follower takes the death of its parent for the end of the training. `root` is the repository whose store
    is used. GANPIPE_TRACKING=off starts nothing. Never raises for want of MLflow, of a store or of a process:
    the training goes on without, and `ganpipe track` makes up for it.
    """
    if os.environ.get(SWITCH, "").lower() in {"0", "off", "no", "false"}:
        return
    run_dir, spec_path, root = run_dir.resolve(), spec_path.resolve(), root.resolve()
    try:
        name = identity(spec_path.read_bytes(), seed)
        command = [sys.executable, "-W", "ignore", "-m", "ganpipe.tracking"]
        command += ["--run-dir", str(run_dir), "--spec", str(spec_path), "--root", str(root)]
        command += ["--seed", str(seed), "--identity", name, "--trainer", str(os.getpid())]
        command += ["--started", str(time.time_ns() // 1_000_000)]
        with log_file(root, run_dir).open("wb") as log:
            child = subprocess.Popen(
                command,
                cwd=root,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        child.returncode = 0  # detached: Popen is neither to wait for it nor to warn that it lives on
    except OSError as error:
        logging.getLogger(__name__).warning("Training goes on without MLflow: %s", error)


def _environment() -> dict[str, str]:
    """The training's environment, with this very copy of the package on the path and one thread for numpy."""
    here = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH")]))
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return {**os.environ, **threads, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}
