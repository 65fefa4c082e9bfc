"""What a dvc that is killed while it writes leaves of its own files: a sentence, and everything is restored."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from pipeline_project import Project

from ganpipe.pipeline import locks
from ganpipe.utils.errors import UserError

LOCKS = ("dvc.lock", "stages/dvc.lock")
ENTRIES = """schema: '2.0'
stages:
  prepare:
    cmd: python -m stages.prepare
    deps:
    - path: data/specs/data.json
      hash: md5
      md5: 900150983cd24fb0d6963f7d28e17f72
      size: 3
    outs:
    - path: data/prepared/digits
      hash: md5
      md5: 900150983cd24fb0d6963f7d28e17f72.dir
      size: 3
      nfiles: 2
"""


@pytest.mark.slow
def test_the_remedy_restores_everything(project: Project) -> None:
    """The last entry of each lock file is cut, the table of processes empty, an entry of the run cache gone."""

    def files() -> dict[str, str]:  # the lock files name the stages in another order afterwards
        return {name: digest for name, digest in project.results().items() if name not in LOCKS}

    before = files()
    for name in LOCKS:
        path = project.root / name
        text = path.read_text()
        path.write_text(text[: text.rindex("md5: ") + 2])
    (project.root / ".dvc/tmp/rwlock").write_text("")
    entries = (project.root / ".dvc/cache/runs").glob("??/*/*")
    entry = next(path for path in entries if "stages.evaluate lsgan" in path.read_text())
    entry.unlink()
    project.repro("-P", ok=False)  # in DVC's own words
    for path in [*map(Path, LOCKS), Path(".dvc/tmp/rwlock"), entry.parent.relative_to(project.root)]:
        for command in ("check", "plan", "sweep"):
            done = project.ganpipe(command, ok=False)
            assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
            assert done.err.startswith(f"ganpipe: {path} is broken, as a dvc that is killed leaves it: remove it ")
            assert done.err.endswith("then `dvc repro`, which restores what had run from DVC's run cache.\n")
        found = project.root / path
        shutil.rmtree(found) if found.is_dir() else found.unlink()
    project.ganpipe("check")
    assert project.repro("-P").ran <= {"resolve", "evaluate@lsgan"}  # DVC never restores `resolve`
    before.pop("timings/digits/evaluate/lsgan.json")
    assert {name: files()[name] for name in before} == before
    assert project.plan() == {}


def refused_by_dvc(file: Path) -> bool:
    """By DVC's own reading."""
    from dvc.exceptions import DvcException
    from dvc.schema import COMPILED_LOCKFILE_SCHEMA
    from dvc.utils.strictyaml import YAMLValidationError, load

    try:
        load(str(file), COMPILED_LOCKFILE_SCHEMA)
    except (DvcException, YAMLValidationError):
        return True
    return False


def test_a_cut_anywhere_is_found_where_dvc_would_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "WRITE_SECONDS", 0.0)
    file, found = tmp_path / "dvc.lock", set()
    for end in range(len(ENTRIES) + 1):
        file.write_text(ENTRIES[:end])
        broken = refused_by_dvc(file)
        found.add(broken)
        assert bool(list(locks.broken(tmp_path))) == broken, end
    assert found == {True, False}


@pytest.mark.parametrize("base", ["", "||||||| 1f0c\nwhat it was\n"], ids=["merge", "diff3"])
@pytest.mark.parametrize("name", ["dvc.lock", "stages/dvc.lock", "stages/dvc.yaml"])
def test_the_marks_of_a_merge_are_named_wherever_they_stand(name: str, base: str, tmp_path: Path) -> None:
    (tmp_path / "stages").mkdir()
    file, lines = tmp_path / name, ENTRIES.splitlines(keepends=True)
    for place, line in enumerate(lines):
        ours, theirs = "".join(lines[:place]), "".join(lines[place + 1 :])
        file.write_text(f"{ours}<<<<<<< HEAD\n{line}{base}=======\n{line}>>>>>>> other\n{theirs}")
        with pytest.raises(UserError) as caught:
            locks.check(tmp_path)
        assert f"{file} holds the mark of a git merge in line {place + 1}: " in str(caught.value)


@pytest.mark.parametrize(
    "twice",
    ["      md5: 900150983cd24fb0d6963f7d28e17f72\n", ENTRIES[ENTRIES.index("  prepare") :]],
    ids=["key", "stage"],
)
def test_both_sides_of_a_merge_are_found_as_dvc_finds_them(
    twice: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "WRITE_SECONDS", 0.0)
    file = tmp_path / "dvc.lock"
    file.write_text(ENTRIES.replace(twice, 2 * twice))
    assert refused_by_dvc(file)
    assert list(locks.broken(tmp_path)) == [file]


def test_a_file_that_is_being_written_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".dvc/tmp").mkdir(parents=True)
    file = tmp_path / ".dvc/tmp/rwlock"
    file.write_text("{")
    with monkeypatch.context() as patched:
        patched.setattr(locks.time, "sleep", lambda _: file.write_text("{}"))
        locks.check(tmp_path)
    file.write_text("{")
    monkeypatch.setattr(locks, "WRITE_SECONDS", 0.0)
    with pytest.raises(UserError, match="rwlock is broken, as a dvc that is killed leaves it: remove it"):
        locks.check(tmp_path)


def test_a_project_that_git_does_not_know_is_named(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    with pytest.raises(UserError, match=r"project is in no git repository, which DVC needs: run `git init` there\.$"):
        locks.check_git(project)
    (tmp_path / ".git").mkdir()
    locks.check_git(project)
