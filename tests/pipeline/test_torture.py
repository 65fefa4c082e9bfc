"""The short form of `python -m benchmarks.torture`: a kill in each phase that `test_kill.py` leaves out."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.torture import run, trials

PHASES = ("prepare", "pretrain", "evaluate", "commit")


@pytest.mark.slow
def test_one_kill_in_each_phase(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = ("ebgan",)
    chosen = list(trials(len(PHASES), rows, seed=1, phases=PHASES))
    assert [trial.phase for trial in chosen] == list(PHASES)
    assert run(tmp_path, enumerate(chosen, 1), rows, steps=40) == []
    out = capsys.readouterr().out
    assert out.count("the same bits") == len(PHASES)
    # a kill while DVC writes a file of its own is rare; how the project goes on then is in test_broken_locks.py
    assert " kills left a broken file of DVC's own, " in out
