"""A disk that is really full (a small tmpfs): a sentence with the file, nothing lost, and the same bits afterwards."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from test_resume import arguments, empty
from training_cases import contents

from ganpipe.pipeline import stage
from ganpipe.training.checkpoint import SWITCH, Checkpoint
from ganpipe.training.history import History
from ganpipe.training.loop import train
from ganpipe.utils.errors import ResourceError, UserError
from ganpipe.utils.signals import Interrupted


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 KiB, to be grown by `resize`; not everybody may mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", str(disk)], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"a file system can't be mounted here: {done.stderr.strip()}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def resize(disk: Path, kib: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={kib}k", str(disk)], check=True)


@pytest.mark.slow
def test_results_that_do_not_fit_are_named_and_made_up_for(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk grows a little each time, so that every kind of file is once the one that does not fit."""
    monkeypatch.setenv(SWITCH, "0")
    whole, out, kept = tmp_path / "whole", small / "out", tmp_path / "kept"
    train(arguments("lsgan", whole, Checkpoint.disabled()))
    failed: list[OSError] = []
    for kib in range(4, 400, 4):
        resize(small, kib)
        out.mkdir(exist_ok=True)
        try:
            train(arguments("lsgan", empty(out), Checkpoint(kept, "key", out)))
            break
        except OSError as error:
            failed.append(error)
        assert not list(out.rglob(".*.part"))
    assert contents(out) == contents(whole)
    assert {error.errno for error in failed} == {errno.ENOSPC}
    assert all(Path(error.filename).is_relative_to(out) for error in failed)
    assert {".png", ".npy", ".safetensors"} <= {Path(error.filename).suffix for error in failed}


@pytest.mark.slow
def test_checkpoints_that_do_not_fit_end_no_training(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(SWITCH, "0")
    whole, out = tmp_path / "whole", tmp_path / "out"
    train(arguments("lsgan", whole, Checkpoint.disabled()))
    train(arguments("lsgan", out, Checkpoint(small / "kept", "key", out)))
    assert contents(out) == contents(whole)
    assert capsys.readouterr().err.count("no checkpoint could be written (No space left on device)") == 1
    assert not list(small.rglob("*.part"))


@pytest.mark.slow
def test_the_first_file_that_does_not_fit_is_named(small: Path) -> None:
    resize(small, 4)
    (small / "filler").write_bytes(b"x" * 4096)
    with pytest.raises(OSError, match="No space left on device") as caught:
        train(arguments("lsgan", small, Checkpoint.disabled()))
    assert caught.value.filename == str(small / "grids/000000.png")


@pytest.mark.slow
def test_a_history_that_a_new_column_makes_too_large(small: Path) -> None:
    resize(small, 16)
    history = History(small / "history.csv")
    for step in range(1000, 2400):
        history.add({"a": torch.tensor(0.5)})
        history.write(step)
    assert 12 * 1024 < (small / "history.csv").stat().st_size < 16 * 1024
    history.add({"a": torch.tensor(0.5), "longer": torch.tensor(0.5)})
    history.add({f"column_{number}": torch.tensor(0.5) for number in range(40)})
    with pytest.raises(OSError, match="No space left on device") as caught:
        history.write(2400)
    assert caught.value.filename == str(small / "history.csv")


TRAINING = """
import sys
from pathlib import Path
from test_resume import arguments
from ganpipe.pipeline import stage
from ganpipe.utils.console import say
from ganpipe.training.checkpoint import Checkpoint
from ganpipe.training.loop import train

def main():
    out = Path(sys.argv[1])
    say("begins\\n", "stdout")
    train(arguments("lsgan", out, Checkpoint(out.parent / "file", "key", out)))
    sys.stdout.write("ends")  # not written before Python itself ends

stage.run(main)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("log", ["a full disk", "a closed pipe"])
def test_a_log_that_cannot_be_written_ends_no_training(log: str, tmp_path: Path) -> None:
    """Neither with the line of the progress, nor with what is said of a checkpoint that can't be written."""
    whole, out = tmp_path / "whole", tmp_path / "out"
    train(arguments("lsgan", whole, Checkpoint.disabled()))
    (tmp_path / "file").touch()  # where the folder of the checkpoints would be
    if log == "a full disk":
        number = os.open("/dev/full", os.O_WRONLY)
    else:
        reading, number = os.pipe()
        os.close(reading)
    environment = os.environ | {SWITCH: "0", "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONUNBUFFERED": ""}
    done = subprocess.run([sys.executable, "-c", TRAINING, str(out)], env=environment, stdout=number, stderr=number)
    os.close(number)
    assert done.returncode == 0
    assert contents(out) == contents(whole)


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device", "runs/a.npy"),
            1,
            "ganpipe: runs/a.npy cannot be written (No space left on device): make room on that disk, "
            "then `dvc repro` again.\n",
        ),
        (
            OSError(errno.EROFS, "Read-only file system", "runs"),
            1,
            "ganpipe: runs cannot be written (Read-only file system): work where you may write, "
            "then `dvc repro` again.\n",
        ),
        (ResourceError("lsgan/0 ran out of memory: try 32."), 1, "ganpipe: lsgan/0 ran out of memory: try 32.\n"),
        (UserError("x is 1: use 2."), 2, "ganpipe: x is 1: use 2.\n"),
        (Interrupted(15), 143, "ganpipe: interrupted.\n"),
        (Interrupted(2, "interrupted after step 3"), 130, "ganpipe: interrupted after step 3.\n"),
    ],
)
def test_a_stage_ends_with_a_sentence(
    error: BaseException, code: int, sentence: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "install_handlers", lambda: None)
    monkeypatch.delenv("DVC_STAGE", raising=False)

    def main() -> None:
        raise error

    with pytest.raises(SystemExit) as caught:
        stage.run(main)
    assert caught.value.code == code
    assert capsys.readouterr().err == sentence


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError) as caught:
        train(arguments("lsgan", tmp_path / "out", Checkpoint.disabled()))
    assert caught.value.filename


@pytest.mark.slow
def test_a_read_only_file_system(small: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)
    with pytest.raises(OSError, match="Read-only file system") as caught:
        train(arguments("lsgan", small / "out", Checkpoint.disabled()))
    assert str(caught.value.filename).startswith(str(small))
