"""DVC of this environment, killed or out of space at the worst moment: its own files are as they were before."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ganpipe import whole

LOCK = "schema: '2.0'\nstages: {}\n"
RWLOCK = '{"read": {}, "write": {}}'

# what comes before the moment at which DVC has written half of a file
BEFORE = """
import json, os, signal, sys
from pathlib import Path
from dvc.fs import LocalFileSystem
from dvc.rwlock import rwlock
from dvc.utils import serialize
from dvc.utils.serialize import _yaml, dump_json, dump_yaml, modify_yaml

def dies(file):
    file.write("half of")
    file.flush()
    {how}
"""
KILL = "os.kill(os.getpid(), signal.SIGKILL)"
FULL = 'raise OSError(28, "No space left on device")'

YAML = """
_yaml._get_yaml = lambda: type("", (), {"dump": lambda self, data, file: dies(file)})()
dump_yaml("dvc.lock", {"stages": {}}, fs=LocalFileSystem())
"""
MODIFIED = """
_yaml._get_yaml = lambda: type("", (), {"dump": lambda self, data, file: dies(file)})()
_yaml.parse_yaml_for_update = lambda text, path: {}
with modify_yaml("dvc.lock") as data:
    data["stages"] = {}
"""
LOCKED = """
json.dump = lambda value, file: dies(file)
with rwlock(".", LocalFileSystem(), "dvc repro", ["a"], ["b"], False):
    pass
"""


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
    code = BEFORE.replace("{how}", how) + code
    assert run(folder, code) == (-signal.SIGKILL if how == KILL else 1)
    assert ((folder / "dvc.lock").read_text(), (folder / "rwlock").read_text()) == (LOCK, RWLOCK)
    assert not list(folder.glob(".*.part"))

    # without what ganpipe puts into the environment, DVC leaves half: the moment is the right one
    run(folder, "import sys; sys.meta_path = [f for f in sys.meta_path if type(f).__name__ != '_Finder']\n" + code)
    assert "half of" in ((folder / "dvc.lock").read_text(), (folder / "rwlock").read_text())


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


def test_it_is_there_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """This Python read ganpipe.pth, too."""
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    assert sum(isinstance(finder, whole._Finder) for finder in sys.meta_path) == 1
    whole.install()
    assert sum(isinstance(finder, whole._Finder) for finder in sys.meta_path) == 1


def test_a_dvc_without_these_names_is_left_as_it_is() -> None:
    for change in whole.CHANGES.values():
        change(object())


def test_a_start_of_python_loads_nothing_more() -> None:
    code = f"""
import sys
sys.path.append({str(Path(__file__).parents[2])!r})
before = set(sys.modules)
from ganpipe.whole import install
install()
print(*sorted(set(sys.modules) - before))
"""
    said = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True).stdout
    assert said == "__future__ ganpipe ganpipe.whole\n"
