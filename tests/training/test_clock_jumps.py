"""A clock that is set to and fro during a training: the same bits, and no clock time that is negative."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from test_resume import arguments
from training_cases import contents

from ganpipe.pipeline.stage import Clock
from ganpipe.training.checkpoint import SWITCH, Checkpoint
from ganpipe.training.loop import train


def test_a_clock_that_jumps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SWITCH, "0")
    whole, out = tmp_path / "whole", tmp_path / "out"
    train(arguments("lsgan", whole, Checkpoint.disabled()))
    looks = itertools.count(1)

    def jumping(unit: int) -> Callable[[], int]:
        """Each look is days before or after the last one, and ever earlier in all."""
        return lambda: (1_800_000_000 - 86_400 * (look := next(looks)) * (1 + (-1) ** look * 5)) * unit

    monkeypatch.setattr(time, "time", jumping(1))
    monkeypatch.setattr(time, "time_ns", jumping(10**9))
    clock = Clock(tmp_path / "clock.json")
    outcome = train(arguments("lsgan", out, Checkpoint(tmp_path / "kept", "key", out)))
    clock.write(**outcome.clocks)
    assert contents(out) == contents(whole)
    clocks = json.loads((tmp_path / "clock.json").read_text())
    assert clocks.keys() >= {"seconds", "training_seconds", "steps_per_second"}
    assert all(0 < value < 86_400 * 10**3 for value in clocks.values())
    assert clocks["training_seconds"] <= clocks["seconds"] < 86_400
