"""Where things lie: the repository's root, MLflow's store, the records and the locks."""

from __future__ import annotations

import os
from pathlib import Path

from ganpipe.utils.errors import UserError

REMOTE = ("http://", "https://", "databricks", "uc:")


def find_root(start: Path | None = None) -> Path:
    """The root: $DVC_ROOT, or the nearest folder at or above `start` (default: here) with .dvc or .git.

    Raises UserError where there is none.
    """
    if named := os.environ.get("DVC_ROOT"):
        return Path(named).resolve()
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / ".dvc").exists() or (folder / ".git").exists():
            return folder
    raise UserError(f"{here} lies in no repository: run this inside one, or set DVC_ROOT.")


def store_uri(root: Path) -> str:
    """Address of the MLflow store: $MLFLOW_TRACKING_URI, or the SQLite file in the root."""
    return os.environ.get("MLFLOW_TRACKING_URI") or sqlite_uri(root.resolve() / "mlflow.db")


def sqlite_uri(path: Path) -> str:
    """Address of an SQLite file: SQLAlchemy ends the path at a question mark and decodes %; the rest it takes."""
    return "sqlite:///" + str(path).replace("%", "%25").replace("?", "%3F")


def is_remote(uri: str) -> bool:
    """Whether a server answers at this address, which then owns the tables and the artifacts."""
    return uri.startswith(REMOTE)


def artifacts_folder(root: Path) -> Path:
    """Absolute folder of the artifacts, unless a server keeps them."""
    return root.resolve() / "mlartifacts"


def records_folder(root: Path) -> Path:
    """The records, by data set, variant and spec: ignored by git, and DVC neither moves nor removes them."""
    return root.resolve() / ".tracking"


def store_lock(root: Path) -> Path:
    """Held while the store is opened: the first use makes the tables, and only one process may."""
    folder = records_folder(root)
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "store.lock"
