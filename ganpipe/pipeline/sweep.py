"""`ganpipe sweep`: what `dvc repro -P` would run, several stages at a time, each by a `dvc repro` of its own."""

from __future__ import annotations

import contextlib
import difflib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
from filelock import FileLock, Timeout
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ganpipe.config.configuration import Configuration
from ganpipe.pipeline import plan as planning
from ganpipe.pipeline.clean import MATRIX_STAGE
from ganpipe.pipeline.job import FOLDER
from ganpipe.pipeline.plan import Item, estimate
from ganpipe.pipeline.slots import cores, environments
from ganpipe.pipeline.specs import resolve_runtime
from ganpipe.utils.errors import UserError
from ganpipe.utils.io import write_bytes
from ganpipe.utils.signals import count_as_ctrl_c

STATUSES = ("not_finite", "diverged", "collapsed", "stalled", "margin_inactive", "memorizing")
POLL = 0.1
INTERRUPTED = 130
GRACE_PERIOD = 60.0
"""Seconds that the stages have to end after an interruption: time for a checkpoint and for DVC's own work."""


def sweep(
    configuration: Configuration,
    root: Path,
    variants: Sequence[str] = (),
    jobs: str = "auto",
    per_gpu: int | None = None,
) -> int:
    """Run what must run, for these variants or all; returns 0, 1 where something failed, or INTERRUPTED where it was
    interrupted.

    jobs: stages at a time, or 'auto': as the cores or GPUs allow. per_gpu: so many on each GPU. Raises UserError,
    before anything runs, where the arguments make no sense or another sweep runs here.
    """
    check_variants(configuration, variants)
    runtime = resolve_runtime(configuration.runtime)
    slots = environments(jobs, per_gpu, runtime)
    if runtime.device == "cpu" and len(slots) * runtime.threads > cores():
        each = f"{runtime.threads} thread{'s' * (runtime.threads > 1)} each"
        print(f"ganpipe: {len(slots)} at a time with {each} is more than {cores()} cores do.", file=sys.stderr)

    def work() -> int:
        items = planning.plan(root, lambda: configuration)
        return Sweep(configuration, root, frozenset(variants), slots).run(items)

    return alone(root, work)


def check_variants(configuration: Configuration, variants: Sequence[str]) -> None:
    """Raises UserError where one of them does not exist."""
    for name in variants:
        if name not in configuration.variants:
            near = difflib.get_close_matches(name, configuration.variants, n=1)
            known = ", ".join(configuration.variants)
            raise UserError(
                f"{name!r} is no variant of params.yaml: {f'did you mean {near[0]}? ' * len(near)}known: {known}."
            )


def alone(root: Path, work: Callable[[], int]) -> int:
    """The exit code of `work`, or 130 where it was interrupted. Raises UserError where another sweep runs here."""
    count_as_ctrl_c()
    (root / FOLDER).mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(root / FOLDER / "lock", timeout=0):
            return work()
    except Timeout:
        raise UserError("another sweep is at work in this folder: wait for it, or end it.") from None
    except KeyboardInterrupt:
        print("ganpipe: interrupted; what is finished is kept, and the next sweep goes on from there.", file=sys.stderr)
        return INTERRUPTED


def select_items(items: Sequence[Item], variants: frozenset[str]) -> list[Item]:
    """The items of these variants and the shared ones, without those that need another one; all if none is named."""
    left = {item.stage: item for item in items if not variants or _variant_of(item.stage) in variants | {None}}
    for item in items:  # in the order of the graph
        planned_elsewhere = {other.stage for other in items} - left.keys()
        if planned_elsewhere.intersection(item.needs):
            left.pop(item.stage, None)
    return list(left.values())


def priorities(items: Sequence[Item]) -> dict[str, float]:
    """Seconds from the start of each stage to the end of the longest chain that waits for it."""
    left: dict[str, float] = {}
    for item in reversed(items):
        left[item.stage] = estimate(item) + max((left[o.stage] for o in items if item.stage in o.needs), default=0.0)
    return left


@dataclass
class _Running:
    """A `dvc repro` in a process group of its own: the terminal's Ctrl-C reaches only the sweep."""

    item: Item
    slot: Mapping[str, str]
    log: Path
    process: subprocess.Popen[bytes]
    start: float


class Sweep:
    """One sweep. Each stage's log is in FOLDER; those of the sweep before are removed."""

    def __init__(
        self, configuration: Configuration, root: Path, variants: frozenset[str], slots: Sequence[Mapping[str, str]]
    ) -> None:
        self._configuration, self._root, self._variants = configuration, root, variants
        self._slots = list(slots)
        self._running: list[_Running] = []
        self._failed: dict[str, str] = {}
        self._skipped: dict[str, str] = {}  # by stage, the one that failed
        console = Console(soft_wrap=True, highlight=False, markup=False)
        columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
        self._progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._print = console.print

    def run(self, planned: Sequence[Item], failed: Mapping[str, str] | None = None) -> int:
        """Run these items; returns the exit code. failed: stages that failed elsewhere, and why: they don't run."""
        items = select_items(planned, self._variants)
        self._failed |= failed or {}
        if not items:
            self._print("Everything is up to date: no stage will run.")
            return self._end(planned, items)
        for old in (self._root / FOLDER).glob("*.log") if failed is None else ():
            old.unlink()
        self._print(f"{len(items)} stages, {len(self._slots)} at a time; their logs are in {FOLDER}/")
        try:
            with self._progress:
                self._work({item.stage: item for item in items if item.stage not in self._failed})
        finally:
            self._interrupt()
        return self._end(planned, items)

    def _work(self, waiting: dict[str, Item]) -> None:
        """Run each item when what it needs is done, the one with the longest chain behind it first."""
        order, task = priorities(list(waiting.values())), self._progress.add_task("", total=len(waiting))
        while waiting or self._running:
            self._skip(waiting)
            unfinished = waiting.keys() | {running.item.stage for running in self._running}
            ready = [item for item in waiting.values() if not unfinished.intersection(item.needs)]
            for item in sorted(ready, key=lambda item: -order[item.stage])[: len(self._slots)]:
                self._start(waiting.pop(item.stage))
            names = ", ".join(sorted(running.item.stage for running in self._running))
            self._progress.update(task, description=names)
            time.sleep(POLL)
            for running in [running for running in self._running if running.process.poll() is not None]:
                self._finish(running)
                self._progress.advance(task)

    def _skip(self, waiting: dict[str, Item]) -> None:
        """Take out what needs a stage that failed or was skipped; the page of all variants does without some."""
        for item in list(waiting.values()):
            needs = [name for name in item.needs if item.stage != "report" or _variant_of(name) is None]
            lost = [self._skipped.get(name, name) for name in needs if name in self._failed or name in self._skipped]
            if lost:
                del waiting[item.stage]
                self._skipped[item.stage] = lost[0]
                self._print_outcome("skipped", item.stage, reason=f"{lost[0]} failed")

    def _start(self, item: Item) -> None:
        if item.stage == "report":
            # an evaluation of an earlier state must not be shown as one of this; DVC's cache keeps it
            for variant in self._incomplete():
                (self._root / "evals" / self._configuration.data.kind / f"{variant}.json").unlink(missing_ok=True)
        slot, log = self._slots.pop(0), self._root / FOLDER / f"{item.stage}.log"
        command = [sys.executable, "-m", "dvc", "--wait-for-lock", "repro", "--single-item", item.address]
        with log.open("wb") as file:
            process = subprocess.Popen(
                command, cwd=self._root, env={**os.environ, **slot}, stdin=subprocess.DEVNULL, stdout=file,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        self._running.append(_Running(item, slot, log, process, time.monotonic()))

    def _finish(self, running: _Running) -> None:
        self._running.remove(running)
        self._slots.append(running.slot)
        stage, seconds = running.item.stage, time.monotonic() - running.start
        output = running.log.read_text(encoding="utf-8", errors="replace")
        if running.process.returncode == 0:
            ran = re.search(r"^Running stage '", output, re.MULTILINE)
            restored = re.search(r"^Stage '.*' is cached - skipping run", output, re.MULTILINE)
            self._print_outcome("done" if ran else "restored" if restored else "up to date", stage, seconds)
        else:
            self._failed[stage] = failure(output, running.process.returncode)
            self._print_outcome("FAILED", stage, seconds, self._failed[stage])

    def _interrupt(self) -> None:
        """End what runs: the stages get SIGINT, and dvc puts its files in order. After GRACE_PERIOD all are killed.

        So they are at a second interruption.
        """
        signalled: set[int] = set()
        deadline = time.monotonic() + GRACE_PERIOD
        try:
            while (alive := self._alive()) and time.monotonic() < deadline:
                for pid in {pid for process in alive for pid in _stages(process.pid)} - signalled:
                    signalled.add(pid)  # once: a second signal would break what the first one made it write
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGINT)
                time.sleep(POLL)
        finally:
            for process in self._alive():
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def _alive(self) -> list[subprocess.Popen[bytes]]:
        return [running.process for running in self._running if running.process.poll() is None]

    def _incomplete(self) -> list[str]:
        """The variants of which a stage was not done."""
        return sorted({name for stage in (*self._failed, *self._skipped) if (name := _variant_of(stage))})

    def _print_outcome(self, outcome: str, stage: str, seconds: float | None = None, reason: str = "") -> None:
        took = f"{seconds:5.0f} s" if seconds is not None and outcome in ("done", "FAILED") else ""
        line = f"{outcome:10} {took:7} {stage}"
        self._print(f"{line}: {reason}" if reason else line)
        self._progress.console.file.flush()

    def _end(self, planned: Sequence[Item], items: Sequence[Item]) -> int:
        """Name the results that are of no use, what failed, what was left out and the page; returns the exit code.

        A training that collapsed is a result: it fails nothing.
        """
        for kind, seeds in self._statuses().items():
            self._print(f"{kind.replace('_', ' ').capitalize()}: {', '.join(seeds)}")
        if self._failed:
            self._print(f"{len(self._failed)} of {len(items)} stages failed, and what does not need them is complete:")
            for stage, reason in self._failed.items():
                self._print(f"  {stage}: {reason} ({FOLDER / stage}.log)")
        if self._skipped:
            self._print(f"Not done for want of these: {', '.join(self._skipped)}")
        page = (self._root / "reports" / self._configuration.data.kind / "zoo.html").resolve()
        if self._variants:
            self._write_pages(page.parent)
        if "report" in {item.stage for item in planned} - {item.stage for item in items}:
            self._print("The page of all variants waits for the other variants: `ganpipe sweep` without names.")
        elif not {"report"} & (self._failed.keys() | self._skipped.keys()):
            without = ", ".join(self._incomplete())
            self._print(f"The page: {page}" + (f", without {without}" if without else ""))
        return int(bool(self._failed))

    def _write_pages(self, folder: Path) -> None:
        """Write the page of each of the named variants that are complete, and one of all of them beside each other."""
        from ganpipe.report.page import summary_page, zoo_page

        c, incomplete = self._configuration, self._incomplete()
        names = [name for name in c.variants if name in self._variants and name not in incomplete]
        titles = {name: c.variant(name).title for name in names}
        spec = {"data": c.data.kind, "seeds": list(c.seeds), "variants": names, "titles": titles}
        for name in names:
            write_bytes(folder / f"{name}.html", summary_page(self._root, spec, name).encode())
            self._print(f"The page of {name}: {folder / name}.html")
        if len(names) > 1:
            write_bytes(folder / "sweep.html", zoo_page(self._root, spec).encode())
            self._print(f"The page of {', '.join(names)}: {folder / 'sweep.html'}")

    def _statuses(self) -> dict[str, list[str]]:
        """By kind, the seeds of the chosen variants whose evaluation says that the training went wrong."""
        found: dict[str, list[str]] = {kind: [] for kind in STATUSES}
        complete = (self._variants or set(self._configuration.variants)) - set(self._incomplete())
        for variant in sorted(complete, key=list(self._configuration.variants).index):
            path = self._root / "evals" / self._configuration.data.kind / f"{variant}.json"
            if not path.is_file():
                continue
            evaluation = json.loads(path.read_text(encoding="utf-8"))
            for seed, status in zip(evaluation.get("seeds") or (), evaluation.get("statuses") or (), strict=False):
                if status:
                    found.setdefault(status["kind"], []).append(f"{variant}/{seed}")
        return {kind: seeds for kind, seeds in found.items() if seeds}


def failure(output: str, code: int) -> str:
    """Why a `dvc repro` failed, in one sentence: the stage's own, or the last error in its output."""
    lines = [line.rpartition("\r")[2].strip() for line in reversed(output.split("\n"))]
    killed = re.search(r"exited with -(\d+)", output)
    number = killed[1] if killed else str(-code) if code < 0 else ""
    memory = ", memory may have run out" if number == "9" else ""
    reasons = [line.removeprefix("ganpipe: ") for line in lines if line.startswith("ganpipe: ")]
    reasons += [line for line in lines if re.match(r"[\w.]*(Error|Exception|Interrupt)\b", line)]
    reasons += [f"its process was killed by signal {number}{memory}."] if number else []
    reasons += [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return next(iter(reasons), f"dvc ended with exit code {code}.")


def _variant_of(stage: str) -> str | None:
    """The variant that a stage of the matrix is for; None for the stages that all variants share."""
    match = MATRIX_STAGE.fullmatch(stage)
    return (match["variant"] or match["trained"]) if match else None


def _stages(dvc: int) -> set[int]:
    """The processes below a dvc, without those that have left its group, as what logs to MLflow does."""
    found = set()
    with contextlib.suppress(psutil.NoSuchProcess):
        for process in psutil.Process(dvc).children(recursive=True):
            with contextlib.suppress(ProcessLookupError):
                if os.getpgid(process.pid) == dvc:
                    found.add(process.pid)
    return found
