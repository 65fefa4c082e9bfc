"""How far a sweep on a cluster is: what its terminal shows, and what `ganpipe sweep --status` reads in another one."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from filelock import FileLock, Timeout
from rich.console import Console
from rich.live import Live

from ganpipe.pipeline.job import FOLDER
from ganpipe.pipeline.plan import Item, duration, estimate
from ganpipe.utils.errors import UserError
from ganpipe.utils.io import write_json

FILE = FOLDER / "status.json"
STATES = ("waiting", "running", "done", "failed")
MOST_NAMES = 6
EVERY = 5.0
"""Seconds after which the rest is estimated anew."""


class Progress:
    """items: all that the jobs run. A stage runs when its log is there; before, its job is in the cluster's queue."""

    def __init__(self, root: Path, items: Sequence[Item]) -> None:
        self._root = root
        self._seconds = {item.stage: estimate(item) for item in items}
        self._states = dict.fromkeys(self._seconds, "waiting")
        self._start: dict[str, float] = {}
        self._written = (0.0, dict[str, str]())
        console = Console(soft_wrap=True, highlight=False, markup=False)
        self._print = console.print
        self._live = Live(console=console, transient=True, auto_refresh=False) if console.is_terminal else None
        self._print(f"{len(items)} stages as jobs; their logs are in {FOLDER}/")
        if self._live:
            self._live.start()

    @property
    def done(self) -> set[str]:
        return {stage for stage, state in self._states.items() if state == "done"}

    def outcome(self, item: Item, reason: str | None) -> None:
        """A stage has ended; reason: why it failed, None if it did not."""
        self._states[item.stage] = "failed" if reason else "done"
        took = f"{time.monotonic() - self._start[item.stage]:5.0f} s" if item.stage in self._start else ""
        line = f"{'FAILED' if reason else 'done':10} {took:7} {item.stage}"
        self._print(f"{line}: {reason}" if reason else line)

    def update(self, submitted: Sequence[Item]) -> None:
        """Show and write the state of each stage. submitted: those of the jobs that have not ended."""
        now = time.monotonic()
        for item in submitted:
            there = (self._root / FOLDER / f"{item.stage}.log").is_file()
            self._states[item.stage] = "running" if there else "waiting"
            if there:
                self._start.setdefault(item.stage, now)
        before, states = self._written
        if states == self._states and now - before < EVERY:
            return
        self._written = now, dict(self._states)
        left = self._seconds_left(now)
        write_json(self._root / FILE, {"stages": self._states, "seconds_left": left})
        if self._live:
            self._live.update("\n".join(lines(self._states, left)), refresh=True)

    def stop(self) -> None:
        if self._live:
            self._live.stop()

    def _seconds_left(self, now: float) -> float:
        """Of what waits and runs, as many at a time as run now."""
        running = [stage for stage, state in self._states.items() if state == "running"]
        left = sum(seconds for stage, seconds in self._seconds.items() if self._states[stage] == "waiting")
        left += sum(max(self._seconds[stage] - (now - self._start[stage]), 0.0) for stage in running)
        return left / max(len(running), 1)


def lines(states: Mapping[str, str], seconds_left: float | None) -> list[str]:
    """A line for each state with the stages in it, and one with the time that is left."""
    found = []
    for state in STATES:
        names = [stage for stage, of in states.items() if of == state]
        more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
        found.append(f"{state:8} {len(names):4}  {', '.join(names[:MOST_NAMES])}{more}".rstrip())
    if seconds_left is None:
        return [*found, "The sweep is not running."]
    return [*found, f"About {duration(seconds_left)} left."]


def status(root: Path) -> list[str]:
    """The lines of the sweep that runs in this folder, or ran last. Raises UserError where none has."""
    try:
        found = json.loads((root / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise UserError("no sweep with --on slurm or --on ray has run here.") from None
    try:
        with FileLock(root / FOLDER / "lock", timeout=0):
            return lines(found["stages"], None)
    except Timeout:
        return lines(found["stages"], found["seconds_left"])
