"""A follower in this process, for which every pause is the next step of a training."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_training import COLUMNS, finish, grid, lines, spec_file

from ganpipe.tracking import follower
from ganpipe.tracking.identity import identity
from ganpipe.tracking.store import open_store

KEY = "generator/loss"


class Scripted:
    """A training in the folder of a run, and its follower."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self.run_dir = root, root / "runs" / "ring" / "lsgan" / "0"
        self.run_dir.mkdir(parents=True)
        spec = spec_file(root, "lsgan")
        self.job = follower.Job(self.run_dir, spec, identity(spec.read_bytes(), 0), 0, root, os.getppid(), 1)
        self._monkeypatch = monkeypatch

    def write(self, last: int, text: Callable[[str], str] = str) -> None:
        """A history of so many rows."""
        (self.run_dir / "history.csv").write_text(",".join(COLUMNS) + "\n" + text(lines(1, 1 + last)))

    def end(self, **changes: object) -> None:
        grid(self.run_dir, 100)
        finish(self.root, self.run_dir, **changes)

    def follow(self, *steps: Callable[[], object]) -> str:
        """What the follower prints at its end."""
        script = iter(steps)
        self._monkeypatch.setattr(follower, "_pause", lambda _: next(script)())
        try:
            return follower._follow(self.job)
        finally:
            assert next(script, None) is None

    def found(self) -> tuple[str, dict[int, float]]:
        """Status and values by step of the one run in the store."""
        store = open_store(self.root)
        (run,) = store.find(self.job.run_key)
        metrics = store.client.get_metric_history(run.info.run_id, KEY)
        assert len({metric.step for metric in metrics}) == len(metrics)
        return run.info.status, {metric.step: metric.value for metric in metrics}
