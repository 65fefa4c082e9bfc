"""The processes that work on a schedule, and their end."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path

from ganpipe.sweep.schedule import Did, Outcome, Schedule

PATIENCE = 60.0
"""Seconds that a stage has to end after an interruption, a checkpoint and DVC's own work included."""


class Worker:
    """One process of `ganpipe.sweep.worker`, in a group of its own: the terminal's Ctrl-C reaches only the sweep."""

    def __init__(self, root: Path, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ganpipe.sweep.worker"],
            cwd=root,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self._ending = threading.Lock()

    def dvc(self, arguments: Sequence[str], log: Path) -> int | None:
        """Run `dvc ARGUMENT...` there and wait for its exit code; None where the process itself was lost."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        log.write_bytes(b"")
        order = json.dumps({"arguments": list(arguments), "log": str(log)}) + "\n"
        try:
            self._process.stdin.write(order.encode())
            self._process.stdin.flush()
        except (OSError, ValueError):  # killed, or closed by `end`
            return None
        answer = self._process.stdout.readline()
        return int(answer) if answer else None

    def end(self) -> None:
        """Tell it to end, whatever it is at; returns at once."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()

    def wait(self, seconds: float) -> None:
        """Wait for its end; what is left of it and of its stages then is killed."""
        with self._ending:  # the thread that it was lost to, and the one that ends all of them
            if self._process.returncode is not None:
                return
            deadline = time.monotonic() + seconds
            # not reaped yet, so that the number of the group stays its own
            while not os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG):
                if time.monotonic() > deadline:
                    break
                time.sleep(0.02)
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self.end()
            assert self._process.stdout is not None
            self._process.stdout.close()


class Pool:
    """Workers, one for each environment, and where the logs of the jobs are."""

    def __init__(self, root: Path, environments: Sequence[Mapping[str, str]], logs: Path) -> None:
        self._root, self._environments, self._logs = root, environments, logs
        self._workers: list[Worker] = []

    def log(self, job: str) -> Path:
        """What DVC and the stage of this job said."""
        return self._logs / f"{job}.log"

    def work(self, schedule: Schedule) -> None:
        """Return when every job of the schedule has an outcome.

        Raises KeyboardInterrupt, and what goes wrong in the sweep itself (`tell` has no room, no process can be made),
        with all workers ended.
        """
        for environment in self._environments[len(self._workers) :]:
            self._workers.append(Worker(self._root, environment))
        with ThreadPoolExecutor(len(self._workers)) as executor:
            try:
                serving = [executor.submit(self._serve, number, schedule) for number in range(len(self._workers))]
                for ended in wait(serving, return_when=FIRST_EXCEPTION).done:
                    ended.result()
            except BaseException:
                schedule.stop()
                self.close(PATIENCE)
                raise

    def close(self, patience: float) -> None:
        """End all workers; a second interruption meanwhile kills them at once."""
        for worker in self._workers:
            worker.end()
        try:
            deadline = time.monotonic() + patience
            for worker in self._workers:
                worker.wait(max(deadline - time.monotonic(), 0.0))
        except KeyboardInterrupt:
            for worker in self._workers:
                worker.wait(0.0)
            raise

    def _serve(self, number: int, schedule: Schedule) -> None:
        while job := schedule.take():
            start, log, worker = time.monotonic(), self.log(job.name), self._workers[number]
            code = worker.dvc(("--wait-for-lock", "repro", *job.arguments), log)
            if code is None and not schedule.stopped:
                # killed from outside: that cost one job and is to cost no more, and its stage must not go on alone
                worker.wait(0.0)
                self._workers[number] = Worker(self._root, self._environments[number])
            said = log.read_text(encoding="utf-8", errors="replace")
            seconds = time.monotonic() - start
            if code == 0:
                schedule.done(Outcome(job, _did(said), seconds))
            else:
                schedule.done(Outcome(job, "failed", seconds, _reason(said, code)))


def _did(said: str) -> Did:
    if re.search(r"^Running stage '", said, re.MULTILINE):
        return "ran"
    return "restored" if re.search(r"^Stage '.*' is cached - skipping run", said, re.MULTILINE) else "kept"


def _reason(said: str, code: int | None) -> str:
    """Why a job failed, in one sentence: the stage's own, or the last thing that went wrong."""
    return next(_reasons(said, code), f"dvc ended with exit code {code}.")


def _reasons(said: str, code: int | None) -> Iterator[str]:
    lines = [line.rpartition("\r")[2].strip() for line in reversed(said.split("\n"))]
    if code is None:
        yield "the process of its worker was killed."
    yield from (line.removeprefix("ganpipe: ") for line in lines if line.startswith("ganpipe: "))
    yield from (line for line in lines if re.match(r"[\w.]*(Error|Exception|Interrupt)\b", line))
    if killed := re.search(r"exited with -(\d+)", said):
        yield f"its process was killed by signal {killed[1]}{', memory may have run out' if killed[1] == '9' else ''}."
    yield from (line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: "))
