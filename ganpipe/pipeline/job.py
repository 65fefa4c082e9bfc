"""A job of `ganpipe sweep --on slurm|ray`: some stages, run in a copy of the project of its own.

What a stage depends on and what it makes travels through DVC's cache and run cache, which all share, or through its
remote; lock files stay where they are. `python -m ganpipe.pipeline.job` is the process of one stage.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock

FOLDER = Path(".cache/sweep")
TREE = FOLDER / "tree.tar"
ALIVE = "alive"
"""The file in the folder of a job that is locked while it is at work."""
ON_COORDINATOR = {"resolve", "fingerprint", "prepare", "summary", "report"}
"""The stages that need no device, and files that only the coordinator may have."""
GRACE_PERIOD = 60.0
"""Seconds that a stage has for a checkpoint when its job ends early."""
POLL = 0.5
Outcome = tuple[int, str]
"""Of a stage: the exit code of its process, and what that printed."""

_processes: set[subprocess.Popen[bytes]] = set()


@dataclass(frozen=True)
class Job:
    """A callable that both executors pickle. root: of the coordinator. addresses: of the stages, one after the other.

    environment: what is set for them. remote: the disk of `root` is not shared. A stage that another job runs, of an
    earlier sweep perhaps, is waited for and then restored.
    """

    root: str
    addresses: tuple[str, ...]
    environment: Mapping[str, str]
    remote: bool

    def __call__(self, tree: bytes = b"") -> dict[str, Outcome]:
        """What became of each stage, by its address. tree: the archive of the project, where the disk is not shared."""
        shared = None if self.remote else Path(self.root, FOLDER)
        if shared and not Path(self.root, TREE).is_file():
            sentence = f"{self.root} of the coordinator is not on this machine: share it, or give --remote."
            return dict.fromkeys(self.addresses, (2, f"ganpipe: {sentence}\n"))
        with (
            tempfile.TemporaryDirectory(prefix="job", dir=shared, ignore_cleanup_errors=True) as folder,
            FileLock(Path(folder, ALIVE)),
        ):
            project = Path(folder, "project")
            archive = tree if self.remote else Path(self.root, TREE).read_bytes()
            with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
                tar.extractall(project, filter="data")
            return {address: self._run(address, project, shared) for address in self.addresses}

    def checkpoint(self) -> Any:
        """What submitit calls when the job is preempted or out of time: it is put into the queue again."""
        from submitit.helpers import DelayedSubmission

        for process in list(_processes):
            _stop(process)
        return DelayedSubmission(self)

    def _run(self, address: str, project: Path, shared: Path | None) -> Outcome:
        stage = address.rpartition(":")[2]
        command = [sys.executable, "-m", "ganpipe.pipeline.job", str(os.getpid()), address]
        command += [] if shared else ["--remote"]
        with _locked(shared, stage), (shared or project.parent).joinpath(f"{stage}.log").open("w+b") as log:
            # a session of its own: a signal for the group of the job must not end the training without a checkpoint
            process = subprocess.Popen(
                command, cwd=project, env=self._environment(), stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
            _processes.add(process)
            try:
                code = process.wait()
            finally:
                _stop(process)
                process.wait()
                _processes.discard(process)
            log.seek(0)
            return code, log.read().decode(errors="replace")

    def _environment(self) -> dict[str, str]:
        """As the coordinator's; Ray sets threads of its own. Where MLflow has no server, `ganpipe track` logs later."""
        here = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
        found = here | dict(self.environment)
        found["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), found.get("PATH", os.defpath)])
        if "MLFLOW_TRACKING_URI" not in found:
            found["GANPIPE_TRACKING"] = "off"
        return found


@contextlib.contextmanager
def _locked(shared: Path | None, stage: str) -> Iterator[None]:
    """One job at a time runs a stage: that of a coordinator that was killed may still be at it."""
    if shared:
        (shared / "locks").mkdir(exist_ok=True)
        with FileLock(shared / "locks" / stage):
            yield
    else:
        yield


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End a process that has not ended, and wait for its stage, which writes a checkpoint when its dvc is gone.

    It does not wait for the process itself: where a signal interrupted `process.wait()`, that would wait forever.
    """
    if process.poll() is None:
        with contextlib.suppress(psutil.NoSuchProcess):
            below = psutil.Process(process.pid).children(recursive=True)
            process.kill()
            psutil.wait_procs(below, timeout=GRACE_PERIOD)


def repro(address: str, remote: bool) -> int:
    """`dvc repro` of a stage in this folder, with what it needs restored; returns DVC's exit code."""
    import networkx
    from dvc.cli import main as dvc
    from dvc.repo import Repo

    with Repo() as repo:
        graph = repo.index.graph
        target = next(stage for stage in graph if stage.addressing == address)
        above = networkx.descendants(graph, target) | {target}
        names = [stage.addressing for stage in reversed(list(networkx.topological_sort(graph))) if stage in above]
    made = [name for name in names if name.rpartition(":")[2] in ON_COORDINATOR]
    run = [name for name in names if name not in made]
    code = dvc(["pull", "--run-cache", *made] if remote else ["checkout", *made])
    code = code or dvc(["repro", "--single-item", *(["--pull"] if remote else []), *run])
    return code or (dvc(["push", "--run-cache", *run]) if remote else 0)


def _end_with(parent: int) -> None:
    """Kill this process when that of the job has ended, however it did."""
    while os.getppid() == parent:
        time.sleep(POLL)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    threading.Thread(target=_end_with, args=(int(sys.argv[1]),), daemon=True).start()
    sys.exit(repro(sys.argv[2], "--remote" in sys.argv))
