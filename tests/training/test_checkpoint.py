"""Checkpoints on disk: whole or not there, of this very training, and never in the way of it."""

from __future__ import annotations

import errno
import threading
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from ganpipe.training import checkpoint as module
from ganpipe.training import run_dir as locked_run_dir
from ganpipe.training.checkpoint import SWITCH, Checkpoint
from ganpipe.training.checkpoint_dir import prune_checkpoints
from ganpipe.utils import io as files
from ganpipe.utils.errors import UserError
from ganpipe.utils.state import StateMixin, from_bytes, to_bytes


class Part(StateMixin):
    state_attrs: ClassVar[tuple[str, ...]] = ("value",)

    def __init__(self, value: Any = 0) -> None:
        self.value = value


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(SWITCH, "0")
    (tmp_path / "out").mkdir()
    return tmp_path


def at(place: Path, key: str = "key") -> Checkpoint:
    return Checkpoint(place / "kept", key, place / "out")


def kept(place: Path) -> list[Path]:
    return sorted((place / "kept").glob("*.safetensors"))


def test_a_tree_comes_back_as_it_was() -> None:
    weights = torch.randn(5, 3)
    tree = {
        "state": {0: {"step": torch.tensor(3.0), "exp_avg": weights.T}, 1: {}},
        "groups": [{"lr": 0.1, "betas": (0.0, 0.99), "fused": True, "maximize": None}],
        "array": np.arange(6, dtype=np.float64).reshape(2, 3),
        "empty": torch.empty(0, dtype=torch.int64),
        "metrics": [float("inf"), -0.0, 1e-320, 2**80],
        "text": 'a,"b"\r\nüß',
    }
    again = from_bytes(to_bytes(tree))
    assert torch.equal(again["state"][0]["exp_avg"], weights.T)
    assert again["state"][0]["step"].dtype == torch.float32
    assert again["groups"] == tree["groups"]
    assert np.array_equal(again["array"], tree["array"])
    assert again["array"].dtype == np.float64
    assert again["empty"].shape == (0,)
    assert repr(again["metrics"]) == repr(tree["metrics"])
    assert again["text"] == tree["text"]


def test_what_no_checkpoint_can_hold_is_refused() -> None:
    with pytest.raises(TypeError, match="set cannot be kept in a checkpoint"):
        to_bytes({"kept": {1, 2}})


def test_the_latest_one_alone_stays_and_is_found(place: Path) -> None:
    writing = at(place)
    for step in (9, 10, 11):
        writing.maybe_save(step, {"part": Part(step)})
    assert [path.name[:10] for path in kept(place)] == ["0000000011"]
    part, again = Part(), at(place)
    assert again.resume({"part": part}) == 11
    assert part.value == 11


def test_files_that_were_written_on_the_way_are_put_back(place: Path) -> None:
    grid, later = place / "out" / "grids" / "1.png", place / "out" / "grids" / "2.png"
    grid.parent.mkdir()
    grid.write_bytes(b"first")
    at(place).maybe_save(1, {"part": Part()})
    grid.write_bytes(b"changed")
    later.write_bytes(b"after the checkpoint")
    at(place).resume({"part": Part()})
    assert grid.read_bytes() == b"first"
    assert not later.exists()


def test_files_are_copied_once(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many checkpoints there are, before and after a kill."""
    (place / "out" / "grids").mkdir()
    (place / "out" / "grids" / "1.png").write_bytes(b"first")
    read: list[str] = []
    plain = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: (read.append(path.name), plain(path))[1])
    writing = at(place)
    for step in (1, 2, 3):
        writing.maybe_save(step, {"part": Part()})
    assert read == ["1.png"]
    again = at(place)
    assert again.resume({"part": Part()}) == 3
    read.clear()
    (place / "out" / "grids" / "2.png").write_bytes(b"second")
    again.maybe_save(4, {"part": Part()})
    assert read == ["2.png"]
    assert sorted(path.read_bytes() for path in (place / "kept" / "files").iterdir()) == [b"first", b"second"]


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "text", "foreign", "file"])
def test_one_that_is_broken_or_foreign_is_set_aside_and_loaded_not_even_in_part(
    damage: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grid = place / "out" / "grids" / "1.png"
    grid.parent.mkdir()
    grid.write_bytes(b"grid")
    at(place, "other" if damage == "foreign" else "key").maybe_save(
        5, {"first": Part(5), "second": Part(torch.ones(100))}
    )
    (path,) = kept(place)
    data = path.read_bytes()
    if damage == "file":
        next((place / "kept" / "files").iterdir()).write_bytes(b"girl")
    elif damage != "foreign":
        path.write_bytes(
            {
                "cut": data[:-7],
                "flipped": data[:-3] + bytes([data[-3] ^ 1]) + data[-2:],
                "empty": b"",
                "text": b"no tensors",
            }[damage]
        )
    parts, again = {"first": Part(), "second": Part()}, at(place)
    assert again.resume(parts) == 0
    assert [part.value for part in parts.values()] == [0, 0]
    assert kept(place) == []
    assert [aside.suffix for aside in (place / "kept").glob("0*")] == [".broken"]
    said = capsys.readouterr().err
    assert said.startswith(f"checkpoint: {path.name} cannot be used, as it")
    assert said.count("\n") == 1


def test_an_older_one_is_used_where_the_newest_is_broken(place: Path) -> None:
    at(place).maybe_save(1, {"part": Part(1)})
    (first,) = kept(place)
    data = first.read_bytes()
    at(place).maybe_save(2, {"part": Part(2)})
    (second,) = kept(place)
    second.write_bytes(b"")
    first.write_bytes(data)  # as after a kill between the new name and the removal of the old one
    part = Part()
    assert at(place).resume({"part": part}) == 1
    assert part.value == 1


def test_a_crash_while_it_is_written_leaves_the_one_before(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at(place).maybe_save(1, {"part": Part(1)})

    def crash(descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(files.os, "fsync", crash)
    with pytest.raises(KeyboardInterrupt):
        at(place).maybe_save(2, {"part": Part(2)})
    monkeypatch.undo()
    assert at(place).resume({"part": Part()}) == 1


def test_a_full_disk_ends_no_training(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    writing = at(place)
    writing.maybe_save(1, {"part": Part(1)})

    def full(path: Path, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(module, "write_bytes", full)
    writing.maybe_save(2, {"part": Part(2)})
    writing.maybe_save(3, {"part": Part(3)})
    said = capsys.readouterr().err
    assert said == (
        "checkpoint: no checkpoint could be written (No space left on device): an interruption would cost more steps.\n"
    )
    monkeypatch.undo()
    assert at(place).resume({"part": Part()}) == 1


def test_it_is_written_when_it_is_time(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SWITCH, "10")
    clock = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: clock[0])
    writing = at(place)
    for now, expected in ((5.0, []), (10.0, [2]), (19.0, [2]), (20.0, [4])):
        clock[0] = now
        writing.maybe_save(step := {5.0: 1, 10.0: 2, 19.0: 3, 20.0: 4}[now], {"part": Part(step)})
        assert [int(path.name[:10]) for path in kept(place)] == expected
    clock[0] = 21.0
    writing.maybe_save(5, {"part": Part(5)}, last=True)
    assert [int(path.name[:10]) for path in kept(place)] == [5]
    assert writing.seconds == 21.0
    again = at(place)
    again.resume({"part": Part()})
    clock[0] = 22.0
    assert again.seconds == 22.0


def test_a_short_training_leaves_none(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SWITCH, "1000")
    at(place).maybe_save(5, {"part": Part(5)}, last=True)
    assert kept(place) == []


def test_a_second_training_is_kept_out_of_the_folder(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DVC_ROOT", str(place))
    monkeypatch.setattr(locked_run_dir, "LOCK_TIMEOUT", 0.1)
    inside, done = threading.Event(), threading.Event()

    def first() -> None:
        with locked_run_dir.locked_run_dir("train", "digits-lsgan-0", place / "out", [b"spec"]):
            (place / "out" / "history.csv").write_text("step\n")
            inside.set()
            done.wait(10)

    thread = threading.Thread(target=first)
    thread.start()
    inside.wait(10)
    try:
        with (
            pytest.raises(UserError, match=r"out is written by process \d+: wait until it has ended, or end it\."),
            locked_run_dir.locked_run_dir("train", "digits-lsgan-0", place / "out", [b"other"]),
        ):
            pass
        assert (place / "out" / "history.csv").read_text() == "step\n"
    finally:
        done.set()
        thread.join()
    assert "waiting for it to end" in capsys.readouterr().err


def test_another_spec_data_or_pretraining_is_another_training(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_ROOT", str(place))
    spec, weights = place / "spec.json", place / "pretrained"
    weights.mkdir()
    spec.write_text("{}")
    (weights / "critic.safetensors").write_bytes(b"1")

    def begin(digest: bytes = b"data") -> int:
        with locked_run_dir.locked_run_dir(
            "train", "digits-lsgan-0", place / "out", [spec, digest, weights]
        ) as checkpoint:
            begun = checkpoint.resume({"part": Part()})
            checkpoint.maybe_save(3, {"part": Part()})
        return begun

    assert [begin(), begin(), begin(b"other")] == [0, 3, 0]
    (weights / "critic.safetensors").write_bytes(b"2")
    assert begin() == 0
    spec.write_text("{ }")
    assert begin() == 0
    prune_checkpoints("train", "digits-lsgan-0")
    assert list((place / ".ckpt").glob("train-*")) == []


@pytest.mark.parametrize("said", ["30s", "nan", "inf", "-1", "1e999"])
def test_what_is_no_number_of_seconds_is_one_sentence(
    said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """nan, for one, would write a checkpoint after every step."""
    monkeypatch.setenv(SWITCH, said)
    with pytest.raises(UserError) as caught:
        Checkpoint(tmp_path, "key", tmp_path)
    assert str(caught.value) == f"{SWITCH} is '{said}': give a number of seconds from 0 on, as 30, or unset it."
