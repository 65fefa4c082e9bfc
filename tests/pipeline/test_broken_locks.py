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


def test_a_cut_anywhere_is_found_where_dvc_would_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By DVC's own reading of each piece."""
    from dvc.exceptions import DvcException
    from dvc.schema import COMPILED_LOCKFILE_SCHEMA
    from dvc.utils.strictyaml import YAMLValidationError, load

    monkeypatch.setattr(locks, "SETTLED", 0.0)
    file, found = tmp_path / "dvc.lock", set()
    for end in range(len(ENTRIES) + 1):
        file.write_text(ENTRIES[:end])
        try:
            load(str(file), COMPILED_LOCKFILE_SCHEMA)
            broken = False
        except (DvcException, YAMLValidationError):
            broken = True
        found.add(broken)
        assert bool(list(locks.broken(tmp_path))) == broken, end
    assert found == {True, False}


def test_a_file_that_is_being_written_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".dvc/tmp").mkdir(parents=True)
    file = tmp_path / ".dvc/tmp/rwlock"
    file.write_text("{")
    with monkeypatch.context() as patched:
        patched.setattr(locks.time, "sleep", lambda _: file.write_text("{}"))
        locks.check(tmp_path)
    file.write_text("{")
    monkeypatch.setattr(locks, "SETTLED", 0.0)
    with pytest.raises(UserError, match="rwlock is broken, as a dvc that is killed leaves it: remove it"):
        locks.check(tmp_path)
