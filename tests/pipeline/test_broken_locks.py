"""What a dvc that is killed while it writes leaves of its own files: a sentence, and everything is restored."""

from __future__ import annotations

from pathlib import Path

import pytest
from pipeline_project import Project

from ganpipe import locks
from ganpipe.errors import BadInput

LOCKS = ("dvc.lock", "stages/dvc.lock")


def cut(path: Path, before: str) -> None:
    """Keep what stands before the last of these words and some of the word."""
    text = path.read_text()
    path.write_text(text[: text.rindex(before) + len(before) // 2])


def refused(project: Project, name: str) -> None:
    for command in ("check", "plan", "sweep"):
        done = project.ganpipe(command, ok=False)
        assert done.code == 2
        assert done.out == ""
        assert done.err.startswith(f"ganpipe: {name} is broken, as a dvc that is killed leaves it: remove it")
        assert done.err.endswith("then `dvc repro`, which restores what had run from DVC's run cache.\n")
        assert done.err.count("\n") == 1


def test_lock_files_that_were_cut_are_named_and_lose_nothing(project: Project) -> None:
    def files() -> dict[str, str]:  # the lock files name the stages in another order afterwards
        return {name: digest for name, digest in project.results().items() if name not in LOCKS}

    before = files()
    for name in LOCKS:
        cut(project.root / name, "md5: ")
    project.repro("-P", ok=False)  # in DVC's own words
    for name in LOCKS:
        refused(project, name)
        (project.root / name).unlink()
    project.ganpipe("check")
    assert project.repro("-P").ran <= {"resolve"}  # whose outputs DVC never restores
    assert files() == before
    assert project.plan() == {}


def test_an_empty_rwlock_is_named(project: Project) -> None:
    path = project.root / ".dvc/tmp/rwlock"
    path.write_text("")
    project.repro(ok=False)
    refused(project, ".dvc/tmp/rwlock")
    path.unlink()
    assert project.repro().ran == set()


def test_a_cut_anywhere_is_found_where_dvc_would_stop(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By DVC's own reading of each piece."""
    from dvc.exceptions import DvcException
    from dvc.schema import COMPILED_LOCKFILE_SCHEMA
    from dvc.utils.strictyaml import YAMLValidationError, load

    monkeypatch.setattr(locks, "SETTLED", 0.0)
    text = (project.root / "dvc.lock").read_text()
    file, found = tmp_path / "dvc.lock", set()
    for end in [*range(0, 400), *range(len(text) - 200, len(text) + 1)]:
        file.write_text(text[:end])
        try:
            load(str(file), COMPILED_LOCKFILE_SCHEMA)
            broken = False
        except (DvcException, YAMLValidationError):
            broken = True
        found.add(broken)
        if broken:
            with pytest.raises(BadInput):
                locks.check(tmp_path)
        else:
            locks.check(tmp_path)
    assert found == {True, False}


def test_a_file_that_is_being_written_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "dvc.lock"
    file.write_text("")
    monkeypatch.setattr(locks.time, "sleep", lambda _: file.write_text("schema: '2.0'\nstages: {}\n"))
    locks.check(tmp_path)
