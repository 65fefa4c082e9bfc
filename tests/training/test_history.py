"""history.csv and the progress on stderr."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import torch

from ganpipe.training import history as history_module
from ganpipe.training import progress as module
from ganpipe.training.history import History
from ganpipe.training.progress import ProgressBar


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_row_has_the_means_since_the_row_before(tmp_path: Path) -> None:
    path = tmp_path / "run" / "history.csv"
    writer = History(path)
    for a, b in ((1.0, 10.0), (2.0, 20.0), (6.0, 60.0)):
        writer.add({"a": torch.tensor(a), "b": torch.tensor(b)})
    assert writer.write(3) == {"a": 3.0, "b": 30.0}
    writer.add({"a": torch.tensor(-0.5), "b": torch.tensor(0.1)})
    assert writer.write(4) == {"a": -0.5, "b": pytest.approx(0.1)}
    writer.close()
    assert path.read_text().splitlines()[0] == "step,a,b"
    found = rows(path)
    assert [row["step"] for row in found] == ["3", "4"]
    assert [float(row["a"]) for row in found] == [3.0, -0.5]
    assert [float(row["b"]) for row in found] == [30.0, torch.tensor(0.1).item()]


def test_a_row_is_on_disk_as_soon_as_it_is_written(tmp_path: Path) -> None:
    """The thread that logs reads the file while the training runs."""
    writer = History(tmp_path / "history.csv")
    for step in (5, 10):
        writer.add({"a": torch.tensor(1.0)})
        writer.write(step)
        assert [row["step"] for row in rows(tmp_path / "history.csv")][-1] == str(step)
    writer.close()


def test_each_quantity_is_averaged_over_the_steps_in_which_it_occurred(tmp_path: Path) -> None:
    """A generator that moves at every fifth step has a mean of its own steps, not of five."""
    writer = History(tmp_path / "history.csv")
    for step in range(1, 11):
        writer.add({"critic": torch.tensor(float(step))} | ({"generator": torch.tensor(7.0)} if step % 5 == 0 else {}))
    writer.write(10)
    writer.add({"critic": torch.tensor(0.0)})
    writer.write(11)
    writer.close()
    assert rows(tmp_path / "history.csv") == [
        {"step": "10", "critic": "5.5", "generator": "7.0"},
        {"step": "11", "critic": "0.0", "generator": ""},
    ]


def test_a_quantity_that_occurs_after_the_first_row_is_not_lost(tmp_path: Path) -> None:
    """With `log_every` below `critic_steps` the generator's loss comes first in a later row."""
    writer = History(tmp_path / "history.csv")
    writer.add({"critic": torch.tensor(1.0)})
    writer.write(1)
    writer.add({"critic": torch.tensor(2.0), "generator": torch.tensor(7.0)})
    writer.write(2)
    writer.close()
    assert [row.get("generator") for row in rows(tmp_path / "history.csv")] == ["", "7.0"]


def test_values_that_are_no_numbers_are_written_as_they_are(tmp_path: Path) -> None:
    writer = History(tmp_path / "history.csv")
    writer.add({"a": torch.tensor(float("nan")), "b": torch.tensor(float("inf"))})
    writer.write(1)
    writer.close()
    assert rows(tmp_path / "history.csv") == [{"step": "1", "a": "nan", "b": "inf"}]


def test_a_new_history_replaces_the_old_file(tmp_path: Path) -> None:
    for value in (1.0, 2.0):
        writer = History(tmp_path / "history.csv")
        writer.add({"a": torch.tensor(value)})
        writer.write(1)
        writer.close()
    assert rows(tmp_path / "history.csv") == [{"step": "1", "a": "2.0"}]


class Clock:
    """A clock that goes ahead by a second at each look."""

    def __init__(self, seconds: float) -> None:
        self.now, self.seconds = 0.0, seconds

    def __call__(self) -> float:
        self.now += self.seconds
        return self.now


def test_progress_says_a_line_every_ten_seconds_and_at_the_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module.time, "monotonic", Clock(4.0))
    with ProgressBar("lsgan/0", 100) as progress:
        for step in range(10, 101, 10):
            progress.update(step, {"critic_loss": 0.25, "real_score": 9.0, "generator_loss": 1.5})
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert len(lines) == 4  # at 12, 24 and 36 seconds, and the last step
    assert all(line.startswith("lsgan/0  ") for line in lines)
    assert "100/100" in lines[-1]
    assert "critic_loss 0.250  generator_loss 1.500" in lines[0]
    assert "real_score" not in err
    assert "30/100  2 steps/s  0:28 left" in lines[0]


def test_progress_on_a_terminal_is_a_bar(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(module.time, "monotonic", Clock(1.0))
    monkeypatch.setattr(module.sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with ProgressBar("lsgan/0", 4) as progress:
        for step in range(1, 5):
            progress.update(step, {"critic_loss": 0.25})
    last = capsys.readouterr().err.split("lsgan/0")[-1]
    assert "━" in last
    assert "4/4" in last
    assert "critic_loss 0.250" in last


def test_the_live_copy_is_whole_at_any_time_and_complete_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_module, "LIVE_SECONDS", 0.0)
    path, live = tmp_path / "history.csv", tmp_path / "live/lsgan.csv"
    with History(path, live) as history:
        for step in (1, 2):
            history.add({"a": torch.tensor(1.0)})
            history.write(step)
            assert [row["step"] for row in rows(live)] == [str(n) for n in range(1, step + 1)]
        monkeypatch.setattr(history_module, "LIVE_SECONDS", 60.0)
        opened = live.open()  # as a reader has it, who then finds the table of that moment
        history.add({"b": torch.tensor(1.0)})
        history.write(3)
        assert len(rows(live)) == 2
    assert live.read_bytes() == path.read_bytes()
    with opened:
        assert len(opened.readlines()) == 3
    assert [file.name for file in live.parent.iterdir()] == ["lsgan.csv"]


def test_a_training_goes_on_without_its_live_copy(tmp_path: Path) -> None:
    (tmp_path / "live").write_text("a file where the folder should be")
    with History(tmp_path / "history.csv", tmp_path / "live/lsgan.csv") as history:
        history.add({"a": torch.tensor(1.0)})
        history.write(1)
    assert len(rows(tmp_path / "history.csv")) == 1
