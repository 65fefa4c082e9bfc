"""DVC of this environment, killed or out of space at the worst moment: its own files are as they were before."""

from __future__ import annotations

import json
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from ganpipe import whole

LOCK = "schema: '2.0'\nstages: {}\n"
RWLOCK = '{"read": {}, "write": {}}'

# what comes before the moment at which half of a file has been written
BEFORE = """
import builtins, json, os, signal, sys
from dvc.fs import LocalFileSystem
from dvc.rwlock import rwlock
from dvc.utils.serialize import _yaml, dump_yaml, modify_yaml

def dies():
    {how}

real = builtins.open

class Half:
    def __init__(self, file): self.file = file
    def __getattr__(self, name): return getattr(self.file, name)
    def __enter__(self): return self
    def __exit__(self, *error): self.file.close()
    def write(self, text):
        self.file.write(text[: len(text) // 2])
        self.file.flush()
        dies()

def opened(path, mode="r", *more, **others):
    file = real(path, mode, *more, **others)
    return Half(file) if "w" in mode else file

builtins.open = opened
LocalFileSystem.open = lambda self, path, mode="r", **more: opened(path, mode, **more)
"""
KILL = "os.kill(os.getpid(), signal.SIGKILL)"
FULL = 'raise OSError(28, "No space left on device")'

YAML = """
dump_yaml("dvc.lock", {"stages": {}}, fs=LocalFileSystem())
"""
MODIFIED = """
with modify_yaml("dvc.lock") as data:
    data["stages"] = {"a": {"cmd": "b"}}
"""
LOCKED = """
with rwlock(".", LocalFileSystem(), "dvc repro", ["a"], ["b"], False):
    pass
"""
PLAIN = "import sys; sys.meta_path = [finder for finder in sys.meta_path if type(finder).__name__ != '_Finder']\n"


def run(folder: Path, code: str, *options: str) -> int:
    command = [sys.executable, *options, "-c", code]
    return subprocess.run(command, cwd=folder, stderr=subprocess.DEVNULL, check=False).returncode


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "dvc.lock").write_text(LOCK)
    (tmp_path / "rwlock").write_text(RWLOCK)
    return tmp_path


@pytest.mark.parametrize("how", [KILL, FULL], ids=["killed", "full"])
@pytest.mark.parametrize("code", [YAML, MODIFIED, LOCKED], ids=["dump", "modify", "rwlock"])
def test_half_a_file_is_never_there(folder: Path, code: str, how: str) -> None:
    """Ended in the middle of what goes to the disk, wherever that is."""

    def there() -> tuple[str, str]:
        return (folder / "dvc.lock").read_text(), (folder / "rwlock").read_text()

    code = BEFORE.replace("{how}", how) + code
    assert run(folder, code) == (-signal.SIGKILL if how == KILL else 1)
    assert there() == (LOCK, RWLOCK)
    assert bool(list(folder.glob(".*.part"))) == (how == KILL)

    # without what ganpipe puts into the environment half is left: the moment is the right one
    assert run(folder, PLAIN + code) == (-signal.SIGKILL if how == KILL else 1)
    assert there() != (LOCK, RWLOCK)


def test_what_dvc_writes_is_what_it_would_write(folder: Path) -> None:
    code = """
from dvc.fs import LocalFileSystem
from dvc.rwlock import rwlock
from dvc.utils.serialize import dump_json, dump_yaml, modify_yaml
dump_yaml("new.yaml", {"b": 1, "a": "\\u00e4"})
with modify_yaml("dvc.lock", fs=LocalFileSystem()) as data:
    data["stages"] = {"x": {"cmd": "y"}}
dump_json("new.json", {"a": [1]})
with rwlock(".", LocalFileSystem(), "dvc repro", ["a"], ["b"], False):
    print(open("rwlock").read())
"""
    found = []
    for options in ([], ["-S"]):  # without `site`, and so without ganpipe.pth
        (folder / "dvc.lock").write_text(LOCK)
        paths = f"import sys; sys.path += {sys.path!r}\n"
        assert run(folder, paths + code, *options) == 0
        found.append({path.name: path.read_bytes() for path in folder.iterdir() if path.name != "rwlock.lock"})
    assert found[0] == found[1]
    assert found[0]["new.yaml"].decode() == "b: 1\na: ä\n"


def test_a_link_stays_one(folder: Path) -> None:
    (folder / "real").mkdir()
    (folder / "dvc.lock").rename(folder / "real" / "dvc.lock")
    (folder / "dvc.lock").symlink_to("real/dvc.lock")
    assert run(folder, "from dvc.utils.serialize import dump_yaml; dump_yaml('dvc.lock', {'schema': '2.0'})") == 0
    assert (folder / "dvc.lock").is_symlink()
    assert (folder / "real" / "dvc.lock").read_text() == "schema: '2.0'\n"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_keeps_its_mode_and_a_new_one_has_the_usual(folder: Path) -> None:
    for bits in (0o600, 0o664, 0o755):
        (folder / "dvc.lock").chmod(bits)
        before = (folder / "dvc.lock").stat().st_ino
        assert run(folder, "from dvc.utils.serialize import dump_yaml; dump_yaml('dvc.lock', {'a': 1})") == 0
        assert mode(folder / "dvc.lock") == bits
        assert (folder / "dvc.lock").stat().st_ino != before
    code = "import os; os.umask(0o027); from dvc.utils.serialize import dump_yaml; dump_yaml('new', {'a': 1})"
    assert run(folder, code) == 0
    assert mode(folder / "new") == 0o640


@pytest.mark.parametrize("error", ["EACCES", "EBUSY", "EROFS"])
def test_what_cannot_be_replaced_is_written_in_place(folder: Path, error: str) -> None:
    """A mounted file, a folder in which nothing may be made."""
    code = f"""
import errno, os
def replace(*_): raise OSError(errno.{error}, "no")
os.replace = replace
from dvc.utils.serialize import dump_yaml
dump_yaml("dvc.lock", {{"a": 1}})
"""
    before = (folder / "dvc.lock").stat().st_ino
    assert run(folder, code) == 0
    assert (folder / "dvc.lock").read_text() == "a: 1\n"
    assert (folder / "dvc.lock").stat().st_ino == before
    assert not list(folder.glob(".*.part"))


def test_writers_at_once_all_come_through(folder: Path) -> None:
    code = "from dvc.utils.serialize import dump_json\nfor i in range(200): dump_json('same.json', {'a': [i] * 999})"
    writers = [subprocess.Popen([sys.executable, "-c", code], cwd=folder) for _ in range(2)]
    assert [writer.wait() for writer in writers] == [0, 0]
    assert json.loads((folder / "same.json").read_text()) == {"a": [199] * 999}


def test_file_systems_that_are_not_this_machine_stay_as_they_are(folder: Path) -> None:
    """Git's at a revision calls itself local, too, and can't be written to."""
    code = """
from dvc.fs import GitFileSystem
from dvc.scm import Git
from dvc.utils.serialize import dump_yaml
try:
    dump_yaml("dvc.lock", {"a": 1}, fs=GitFileSystem(scm=Git("."), rev="HEAD"))
except NotImplementedError:
    raise SystemExit(7)
"""
    for command in (["init", "-q"], ["add", "."], ["-c", "user.name=a", "-c", "user.email=b", "commit", "-qm", "c"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    assert run(folder, code) == 7
    assert (folder / "dvc.lock").read_text() == LOCK


def test_it_is_there_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This Python has read ganpipe.pth, too: it runs another copy of the module."""
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    for _ in range(2):
        assert sum(hasattr(finder, whole.MARK) for finder in sys.meta_path) == 1
        whole.install()
    twice = "import sys; from ganpipe import whole; sys.meta_path.insert(0, whole._Finder()); import dvc.rwlock"
    assert run(folder, twice) == 0
    installed = Path(sys.modules["_ganpipe_whole"].__file__ or "")
    assert installed.read_text() == Path(whole.__file__).read_text(), "make env: another version is installed"


PIPELINE = """
stages:
  a:
    cmd: cp params.txt out
    deps: [params.txt]
    outs: [out]
"""


def test_a_run_cache_that_was_left_empty_is_no_entry(tmp_path: Path) -> None:
    """A kill after DVC has made the folder of a run and before it has put the entry into it."""

    def dvc(*arguments: str) -> int:
        return run(tmp_path, f"from dvc.cli import main; raise SystemExit(main({list(arguments)}))")

    assert dvc("init", "--no-scm", "--quiet") == 0
    (tmp_path / "dvc.yaml").write_text(PIPELINE)
    (tmp_path / "params.txt").write_text("1")
    assert dvc("repro") == 0
    (entry,) = (path for path in (tmp_path / ".dvc" / "cache" / "runs").rglob("*") if path.is_file())
    for name in ("dvc.lock", "out"):
        (tmp_path / name).unlink()
    entry.unlink()
    code = PLAIN + "from dvc.cli import main; raise SystemExit(main(['repro']))"
    assert run(tmp_path, code) != 0, "DVC can do it by itself: the change is needed no more"
    assert dvc("repro") == 0
    assert (tmp_path / "out").read_text() == "1"
    assert entry.exists()


def test_a_dvc_without_these_names_is_left_as_it_is() -> None:
    for change in whole.CHANGES.values():
        change(object())


def test_a_start_of_python_loads_nothing_more(tmp_path: Path) -> None:
    """Nothing of ganpipe above all: the installed one would run in every other checkout."""

    def said(code: str, *options: str) -> str:
        command = [sys.executable, *options, "-c", code]
        return subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path).stdout

    assert said("import sys; print(*(name for name in sys.modules if 'ganpipe' in name))") == "_ganpipe_whole\n"
    new = f"import sys\nsys.path.append({str(Path(whole.__file__).parent)!r})\nbefore = set(sys.modules)\n"
    new += "import whole; whole.install(); print(*sorted(set(sys.modules) - before))"
    assert said(new, "-I", "-S") == "__future__ whole\n"
    (tmp_path / "ganpipe").mkdir()
    (tmp_path / "ganpipe" / "__init__.py").touch()
    assert said("import ganpipe; print(ganpipe.__file__)") == f"{tmp_path / 'ganpipe' / '__init__.py'}\n"
