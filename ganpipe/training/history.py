"""The metrics of a training as a CSV file."""

from __future__ import annotations

import csv
import math
import os
import shutil
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import torch
from torch import Tensor

from ganpipe.utils.io import with_path, write_bytes

LIVE_SECONDS = 1.0


class History:
    """`history.csv`: a row every few steps with the mean of each metric since the row before.

    Values stay on the device until a row is written, so that a step does not wait for it. live: where a copy is kept at
    which other programs may look at any time; at most one a second is made, and one at the end.
    """

    def __init__(self, path: Path, live: Path | None = None) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path, self._live, self._copied = path, live, -math.inf
        self._open("w")
        self._names: list[str] = []
        self._pending: dict[str, list[Tensor]] = {}

    def state_dict(self) -> dict[str, Any]:
        return {"text": self._path.read_bytes().decode(), "names": self._names, "pending": self._pending}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._file.close()
        write_bytes(self._path, state_dict["text"].encode())
        self._open("a")
        self._names, self._pending = state_dict["names"], state_dict["pending"]

    def _open(self, mode: str) -> None:
        self._file = self._path.open(mode, newline="", encoding="utf-8")
        self._writer = csv.writer(self._file)

    def add(self, metrics: dict[str, Tensor]) -> None:
        """Keep the metrics of one step, each of shape ()."""
        for name, value in metrics.items():
            self._pending.setdefault(name, []).append(value.detach())

    def write(self, step: int) -> dict[str, float]:
        """Write the row and return it. A metric without a value since the last row is an empty cell. Raises OSError."""
        means = {name: torch.stack(values).mean() for name, values in self._pending.items()}
        row: dict[str, float] = {}
        for device in {mean.device for mean in means.values()}:  # one transfer per device; metrics of samples: the CPU
            on_device = {name: mean for name, mean in means.items() if mean.device == device}
            row |= zip(on_device, torch.stack(list(on_device.values())).tolist(), strict=True)
        try:
            if not set(self._pending) <= set(self._names):
                self._add_columns([name for name in self._pending if name not in self._names])
            self._writer.writerow([step, *(row.get(name, "") for name in self._names)])
            self._file.flush()
        except OSError as error:
            with suppress(OSError):  # closing tries to write once more
                self._file.close()
            raise with_path(error, self._path) from None
        self._pending.clear()
        if time.monotonic() - self._copied >= LIVE_SECONDS:
            self._copy()
        return row

    def _copy(self) -> None:
        """Replace the live copy; without one the training goes on."""
        self._copied = time.monotonic()
        if self._live:
            part = self._live.with_name(f".{self._live.name}.{os.getpid()}.part")
            with suppress(OSError):
                self._live.parent.mkdir(exist_ok=True)
                shutil.copyfile(self._path, part)
                part.replace(self._live)

    def _add_columns(self, names: list[str]) -> None:
        """Add columns, and rewrite the rows so far: for the first row, and for a metric that occurs rarely."""
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
        self._copy()
