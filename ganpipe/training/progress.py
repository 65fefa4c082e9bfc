"""The progress of a training on stderr."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from types import TracebackType
from typing import Self

from ganpipe.utils.console import say

LINE_EVERY, BAR_EVERY = 10.0, 0.2
"""Seconds between two updates."""


class ProgressBar:
    """On a terminal a bar with rate, time left and losses; elsewhere a line every ten seconds."""

    def __init__(self, title: str, total: int) -> None:
        self._title, self._total = title, total
        self.begin = 0
        """The step that this process continues from, for the rate."""
        self._start = self._last = time.monotonic()
        self._live = sys.stderr.isatty()

    def __enter__(self) -> Self:
        if self._live:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress

            columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), "{task.fields[text]}")
            self._bar = Progress(*columns, console=Console(stderr=True), auto_refresh=False)
            self._bar.start()
            self._task = self._bar.add_task(self._title, total=self._total, text="")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            with suppress(OSError):  # the terminal was closed
                self._bar.stop()

    def update(self, step: int, metrics: dict[str, float]) -> None:
        """Show the step that is done, with the losses among the metrics."""
        now = time.monotonic()
        if step < self._total and now - self._last < (BAR_EVERY if self._live else LINE_EVERY):
            return
        self._last = now
        rate = (step - self.begin) / max(now - self._start, 1e-9)
        left = int((self._total - step) / rate)
        losses = "  ".join(f"{name} {value:.3f}" for name, value in metrics.items() if name.endswith("_loss"))
        text = f"{rate:.0f} steps/s  {left // 60}:{left % 60:02d} left  {losses}"
        if self._live:
            with suppress(OSError):
                self._bar.update(self._task, completed=step, text=text, refresh=True)
        else:
            say(f"{self._title}  {step:>6}/{self._total}  {text}\n")
