"""The short form of `python -m benchmarks.torture`: one kill in each phase, of a row that has them all."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.torture import PHASES, run, trials


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="parent death is seen on Linux alone")
def test_one_kill_in_each_phase(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = ("ebgan",)
    assert run(tmp_path, len(PHASES), rows, steps=40, seed=1) == []
    said = capsys.readouterr().out
    assert said.count("the same bits") == len(PHASES)
    assert {trial.phase for trial in trials(len(PHASES), rows, seed=1)} == set(PHASES)
