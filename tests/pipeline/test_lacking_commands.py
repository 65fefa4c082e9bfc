"""What the machine lacks ends a command with one sentence and exit code 1, as it ends a stage."""

from __future__ import annotations

import errno
import sys
import tempfile

import pytest
from pipeline_project import Project

from ganpipe import cleaning, cli
from ganpipe.errors import Lacking, lacking


def test_a_cache_folder_that_cannot_be_written(fresh: Project) -> None:
    (fresh.root / ".cache").write_text("a file in its place")
    done = fresh.ganpipe("sweep", ok=False)
    assert done.code == 1
    assert done.err.startswith(f"ganpipe: {fresh.root.resolve()}/.cache/")
    assert done.err.endswith(" cannot be written (Not a directory): remove what is in the place of a folder.\n")
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "a file cannot be written (No space left on device): make"),
        (OSError(errno.EACCES, "Permission denied", "runs/x"), "runs/x cannot be written (Permission denied): allow"),
        (Lacking("lsgan/0 ran out of memory: try 32."), "lsgan/0 ran out of memory: try 32."),
        (MemoryError(), "not enough memory (an array did not fit): end other programs"),
    ],
)
def test_a_command_ends_as_a_stage_does(
    error: BaseException, sentence: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def clean(*_: object) -> None:
        raise error

    monkeypatch.setattr(cleaning, "clean", clean)
    monkeypatch.setattr(cli, "_checked", lambda path: path)
    monkeypatch.setattr(sys, "argv", ["ganpipe", "clean"])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == 1
    said = capsys.readouterr().err
    assert said.startswith(f"ganpipe: {sentence}")
    assert said.endswith(".\n")
    assert said.count("\n") == 1


def test_no_room_for_temporary_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python itself says that no folder can be written, and no word of what to do."""
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/nowhere/at/all"])
    with pytest.raises(FileNotFoundError) as caught:
        tempfile.mkdtemp()
    said = str(lacking(caught.value))
    assert said.startswith("No usable temporary directory found in ")
    assert said.endswith(": make room there, or name another by TMPDIR")


def test_what_is_no_lack_stays_an_error() -> None:
    for error in (FileNotFoundError(errno.ENOENT, "No such file", "x"), RuntimeError("shapes"), ValueError("x")):
        assert lacking(error) is None
    assert lacking(PermissionError(errno.EACCES, "Permission denied")) is None  # of a port, say
