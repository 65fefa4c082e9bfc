"""`ganpipe sweep`: what must run, side by side, then what went wrong and where the page is."""

from __future__ import annotations

import contextlib
import difflib
import json
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from filelock import FileLock, Timeout
from rich.console import Console

from ganpipe import planning
from ganpipe.cleaning import ITEM
from ganpipe.configuration import Configuration
from ganpipe.errors import BadInput
from ganpipe.report.formats import duration
from ganpipe.specs import Spec, build, resolve_runtime
from ganpipe.sweep import slots
from ganpipe.sweep.schedule import Job, Outcome, Schedule
from ganpipe.sweep.workers import PATIENCE, Pool

FOLDER = Path(".cache/sweep")
SHARED = ("resolve", "fingerprint", "prepare", "classifier", "reference")
WORDS = {"ran": "done", "restored": "restored", "kept": "up to date", "failed": "FAILED", "skipped": "skipped"}
KINDS = ("not_finite", "diverged", "collapsed", "stalled", "memorising")
QUICK, RATE = 4.0, 50.0
"""Seconds of a stage and steps a second that are assumed before any was timed here; only the order depends on them."""


def sweep(
    configuration: Configuration, root: Path, rows: Sequence[str] = (), jobs: str = "auto", per_gpu: int | None = None
) -> int:
    """Run what must run, for these rows or all; returns 0, 1 where something failed, or 130 where it was interrupted.

    Raises BadInput, before anything runs, where the arguments make no sense or another sweep is at work.
    """
    for row in rows:
        if row not in configuration.variants:
            near = difflib.get_close_matches(row, configuration.variants, n=1)
            known = ", ".join(configuration.variants)
            raise BadInput(
                f"{row!r} is no row of params.yaml: {f'did you mean {near[0]}? ' * len(near)}known: {known}."
            )
    runtime = resolve_runtime(configuration.runtime)
    workers = slots.environments(jobs, per_gpu, runtime, _gpus() if runtime.device == "cuda" else [])
    if runtime.device == "cpu" and len(workers) * runtime.threads > slots.cores():
        each = f"{runtime.threads} thread{'s' * (runtime.threads > 1)} each"
        print(f"ganpipe: {len(workers)} at a time with {each} is more than {slots.cores()} cores do.", file=sys.stderr)
    folder = root.resolve() / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / "lock", timeout=0), _interruptible():
            return _Sweep(configuration, root, frozenset(rows), [{**os.environ, **add} for add in workers]).run()
    except Timeout:
        raise BadInput("another sweep is at work in this folder: wait for it, or end it.") from None
    except KeyboardInterrupt:
        print("ganpipe: interrupted; what is finished is kept, and the next sweep goes on from there.", file=sys.stderr)
        return 130


def wanted(items: Sequence[planning.Item], specs: dict[str, Spec], rows: frozenset[str]) -> list[Job]:
    """Jobs for what the plan lists, or for what of it concerns these rows and needs no other row."""
    left = {item.stage: item for item in items if not rows or _row(item.stage) in rows | {None}}
    planned = {item.stage for item in items}
    while unmet := [stage for stage, item in left.items() if (planned - left.keys()).intersection(item.needs)]:
        for stage in unmet:
            del left[stage]
    return [
        Job(item.stage, ("--single-item", item.address), item.needs, _seconds(item, specs)) for item in left.values()
    ]


def _row(stage: str) -> str | None:
    """The row that a stage is an item of."""
    item = ITEM.fullmatch(stage)
    return (item["row"] or item["trained"]) if item else None


def _seconds(item: planning.Item, specs: dict[str, Spec]) -> float:
    if item.verdict == "restored":
        return 1.0
    trained = item.seconds is None and item.stage.startswith("train@")
    spec = specs[f"train/{_row(item.stage)}.json"] if trained else {}
    steps = 0 if spec.get("not_applicable") else spec.get("variant", {}).get("steps", 0)
    return QUICK + steps / RATE if item.seconds is None else item.seconds


def _gpus() -> list[str]:
    import torch

    return slots.visible(torch.cuda.device_count(), os.environ)


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """SIGTERM and the loss of the terminal count as Ctrl-C."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    for number in [number for number, handler in before.items() if handler != signal.SIG_IGN]:  # as under nohup
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Running:
    """The line that says what is under way, on a terminal."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule

    def __rich__(self) -> str:
        return ", ".join(self._schedule.running)


class _Sweep:
    """One sweep. Each stage's log is in FOLDER; those of the sweep before are removed."""

    def __init__(
        self, configuration: Configuration, root: Path, rows: frozenset[str], environments: Sequence[dict[str, str]]
    ) -> None:
        self._configuration, self._root, self._rows = configuration, root, rows
        self._environments = environments
        self._console = Console(soft_wrap=True, highlight=False, markup=False)
        self._outcomes: list[Outcome] = []
        self._total = 0

    def run(self) -> int:
        specs = build(self._configuration, self._root)
        items = planning.plan(self._root, specs)
        jobs = wanted(items, specs, self._rows)
        if not jobs:
            self._console.print("Everything is up to date: no stage will run.")
            return self._end({item.stage for item in items})
        folder = self._root.resolve() / FOLDER
        for old in folder.glob("*.log"):
            old.unlink()
        self._total = len(jobs)
        about = sum(item.seconds or 0.0 for item in items if item.stage in {job.name for job in jobs})
        workers = self._environments[: len(jobs)]
        guess = f", about {duration(about / len(workers))}" if about else ""
        self._console.print(f"{len(jobs)} stages, {len(workers)} at a time{guess}; their logs are in {FOLDER}/")
        pool = Pool(self._root, workers, folder)
        try:
            last = [job for job in jobs if job.name == "report"]
            self._work(pool, [job for job in jobs if job not in last])
            for report in last:
                self._make_report(pool, report)
            if len(jobs) == len(items) and self._all_good():
                # nothing of it is left to run: DVC itself says so, and does what was overlooked
                self._work(pool, [Job("all", ("--all-pipelines", "--keep-going"), (), 0.0)], told=False)
        finally:
            pool.close(PATIENCE)
        return self._end({item.stage for item in items})

    def _work(self, pool: Pool, jobs: Sequence[Job], told: bool = True) -> None:
        schedule = Schedule(jobs, self._tell if told else self._tell_failure)
        with self._console.status(_Running(schedule)):
            pool.work(schedule)

    def _make_report(self, pool: Pool, report: Job) -> None:
        """Make the page of all variants, if need be without the rows that lack something, of which DVC needs every one.

        What is left of an earlier evaluation of these rows is removed from the work tree, as DVC does before it runs
        a stage: it is not of this state. DVC's cache keeps it, and the next `repro` makes the page anew.
        """
        bad = [outcome.job.name for outcome in self._outcomes if not outcome.good]
        evaluations = self._root / "evals" / self._configuration.data.kind
        lacking = set(self._lacking())
        there = [row for row in self._configuration.variants if (evaluations / f"{row}.json").is_file()]
        if not set(there) - lacking or set(bad).intersection(SHARED):
            return self._tell(Outcome(report, "skipped", reason=f"{bad[0]} failed"))
        for row in lacking.intersection(there):
            (evaluations / f"{row}.json").unlink()
        return self._work(pool, [replace(report, needs=())])

    def _lacking(self) -> list[str]:
        """The rows of which a stage was not done."""
        return sorted({row for outcome in self._outcomes if not outcome.good and (row := _row(outcome.job.name))})

    def _verdicts(self) -> dict[str, list[str]]:
        """By kind, the seeds of the rows asked for that their evaluation calls something."""
        found: dict[str, list[str]] = {kind: [] for kind in KINDS}
        for row in self._configuration.variants:
            path = self._root / "evals" / self._configuration.data.kind / f"{row}.json"
            if (self._rows and row not in self._rows) or row in self._lacking() or not path.is_file():
                continue
            said = json.loads(path.read_text(encoding="utf-8"))
            for seed, verdict in zip(said.get("seeds") or (), said.get("verdicts") or (), strict=False):
                if verdict:
                    found.setdefault(verdict["kind"], []).append(f"{row}/{seed}")
        return {kind: seeds for kind, seeds in found.items() if seeds}

    def _all_good(self) -> bool:
        return all(outcome.good for outcome in self._outcomes)

    def _tell(self, outcome: Outcome) -> None:
        self._outcomes.append(outcome)
        took = f"{outcome.seconds:5.0f} s" if outcome.did in ("ran", "failed") else ""
        count = f"[{len(self._outcomes):{len(str(self._total))}}/{self._total}]"
        line = f"{count} {WORDS[outcome.did]:10} {took:7} {outcome.job.name}"
        self._console.print(f"{line}: {outcome.reason}" if outcome.reason else line)
        self._console.file.flush()

    def _tell_failure(self, outcome: Outcome) -> None:
        if not outcome.good:
            self._tell(outcome)

    def _end(self, planned: set[str]) -> int:
        """Say which results are of no use, what failed, what was left out and where the page is; returns the exit code.

        A training that collapsed is a result: it fails nothing.
        """
        for kind, seeds in self._verdicts().items():
            self._console.print(f"{kind.replace('_', ' ').capitalize()}: {', '.join(seeds)}")
        did = {outcome.job.name: outcome for outcome in self._outcomes}
        failed = [outcome for outcome in did.values() if outcome.did == "failed"]
        skipped = [name for name, outcome in did.items() if outcome.did == "skipped"]
        if failed:
            self._console.print(
                f"{len(failed)} of {self._total} stages failed, and what does not need them is complete:"
            )
            for outcome in failed:
                self._console.print(f"  {outcome.job.name}: {outcome.reason} ({FOLDER / outcome.job.name}.log)")
        if skipped:
            self._console.print(f"Not done for want of these: {', '.join(skipped)}")
        page = Path("reports", self._configuration.data.kind, "zoo.html")
        if "report" in planned and not ("report" in did and did["report"].good):
            if not failed:
                self._console.print("The page of all variants waits for the other rows: `ganpipe sweep` without rows.")
        else:
            without = f", without {', '.join(self._lacking())}" if self._lacking() else ""
            self._console.print(f"The page: {(self._root / page).resolve()}{without}")
        return int(bool(failed))
