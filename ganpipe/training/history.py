"""What a training says of itself while it runs: a CSV file and a progress line."""

from __future__ import annotations

import csv
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import torch
from torch import Tensor

from ganpipe.files import named, write_whole
from ganpipe.saying import say


class History:
    """`history.csv`: a row every few steps with the mean of each quantity since the row before.

    Values stay on the device until a row is written, so that a step never waits for it.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._open("w")
        self._names: list[str] = []
        self._held: dict[str, list[Tensor]] = {}

    def state_dict(self) -> dict[str, Any]:
        return {"text": self._path.read_bytes().decode(), "names": self._names, "held": self._held}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._file.close()
        write_whole(self._path, state_dict["text"].encode())
        self._open("a")
        self._names, self._held = state_dict["names"], state_dict["held"]

    def _open(self, mode: str) -> None:
        self._file = self._path.open(mode, newline="", encoding="utf-8")
        self._writer = csv.writer(self._file)

    def add(self, figures: dict[str, Tensor]) -> None:
        """Hold one step's figures, each of shape ()."""
        for name, value in figures.items():
            self._held.setdefault(name, []).append(value)

    def write(self, step: int) -> dict[str, float]:
        """Write the row and start afresh. A quantity that did not occur is an empty cell."""
        means = {name: torch.stack(values).mean() for name, values in self._held.items()}
        row: dict[str, float] = {}
        for device in {mean.device for mean in means.values()}:  # what is taken of samples is on the CPU
            there = {name: mean for name, mean in means.items() if mean.device == device}
            row |= zip(there, torch.stack(list(there.values())).tolist(), strict=True)
        try:
            if not set(self._held) <= set(self._names):
                self._widen([name for name in self._held if name not in self._names])
            self._writer.writerow([step, *(row.get(name, "") for name in self._names)])
            self._file.flush()
        except OSError as error:
            with suppress(OSError):  # it tries once more to write what there is no room for
                self._file.close()
            raise named(error, self._path) from None
        self._held.clear()
        return row

    def _widen(self, names: list[str]) -> None:
        """New columns: the header of the first row, or of a quantity that occurs more rarely than rows are written."""
        self._file.close()
        with self._path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))[1:]
        self._names += names
        self._open("w")
        self._writer.writerow(["step", *self._names])
        self._writer.writerows(row + [""] * (1 + len(self._names) - len(row)) for row in rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()


class Progress:
    """A bar with rate, time left and losses on a terminal; a plain line every ten seconds elsewhere."""

    def __init__(self, title: str, total: int) -> None:
        self._title, self._total = title, total
        self.begin = 0  # the step that this process goes on from, for the rate
        self._start = self._said = time.monotonic()
        self._live = sys.stderr.isatty()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            say("\n")

    def update(self, step: int, figures: dict[str, float]) -> None:
        """Say where the training is. figures: the latest row of the history."""
        now = time.monotonic()
        last = step == self._total
        if not last and now - self._said < (0.2 if self._live else 10):
            return
        self._said = now
        rate = (step - self.begin) / max(now - self._start, 1e-9)
        left = int((self._total - step) / rate)
        losses = "  ".join(f"{name} {value:.3f}" for name, value in figures.items() if name.endswith("_loss"))
        line = f"{step:>6}/{self._total}  {rate:.0f} steps/s  {left // 60}:{left % 60:02d} left  {losses}"
        if self._live:
            filled = 24 * step // self._total
            line = f"\r\x1b[2K{self._title}  {'━' * filled}{'╌' * (24 - filled)} {line}"
        else:
            line = f"{self._title}  {line}\n"
        say(line)
