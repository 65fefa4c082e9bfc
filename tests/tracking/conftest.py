"""Real stores in temporary folders, and the processes that write to them."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ganpipe.tracking.opening import open_store
from ganpipe.tracking.store import Store

OURS = (
    "MLFLOW_TRACKING_URI",
    "GANPIPE_TRACKING",
    "DVC_ROOT",
    "DVC_STAGE",
    "DVC_EXP_NAME",
    "DVC_EXP_BASELINE_REV",
)


@pytest.fixture(scope="session", autouse=True)
def compiled() -> Iterator[None]:
    """Where Python is told to write no bytecode, MLflow takes ten seconds a process: keep it in the cache folder."""
    if not sys.dont_write_bytecode:
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        folder = str(Path(__file__).parents[2] / ".cache" / "bytecode")
        patch.setenv("PYTHONPYCACHEPREFIX", folder)
        patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        patch.setattr(sys, "pycache_prefix", folder)
        patch.setattr(sys, "dont_write_bytecode", False)
        yield


@pytest.fixture(scope="session")
def empty_store(compiled: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with its tables, which take seconds to make."""
    root = tmp_path_factory.mktemp("template")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        open_store(root)
    return root / "mlflow.db"


@pytest.fixture
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the caller's environment."""
    for key in OURS:
        monkeypatch.delenv(key, raising=False)


@pytest.fixture
def root(tmp_path: Path, empty_store: Path, clean: None) -> Path:
    """A repository with an empty store, in a folder whose name has a meaning in an address."""
    folder = tmp_path / "my #1? 100%25"
    folder.mkdir()
    shutil.copy(empty_store, folder / "mlflow.db")
    return folder


@pytest.fixture
def store(root: Path) -> Store:
    """The store of `root`."""
    return open_store(root)
