"""Where things lie: the repository's root, the store, and this package's own files in the cache folder."""

from __future__ import annotations

import os
from pathlib import Path

from ganpipe.utils.errors import UserError

IDENTITY = "ganpipe.identity"  # the tag that names a training
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
    raise UserError(f"{here} lies in no repository: run this inside one, or name it with --root or DVC_ROOT.")


def store_uri(root: Path) -> str:
    """Address of the MLflow store: $MLFLOW_TRACKING_URI, or the SQLite file in the root."""
    # SQLAlchemy ends the path at a question mark and decodes %; the rest of a name it takes as it is
    path = str(root.resolve() / "mlflow.db").replace("%", "%25").replace("?", "%3F")
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{path}"


def is_remote(uri: str) -> bool:
    """Whether a server answers at this address, which then owns the tables and the artifacts."""
    return uri.startswith(REMOTE)


def artifacts_folder(root: Path) -> Path:
    """Absolute folder of the artifacts, unless a server keeps them."""
    return root.resolve() / "mlartifacts"


def cache_folder(root: Path) -> Path:
    """Folder for logs and locks, made if it is missing."""
    folder = root.resolve() / ".cache" / "tracking"
    (folder / "locks").mkdir(parents=True, exist_ok=True)
    return folder


def log_file(root: Path, run_dir: Path) -> Path:
    """What the follower of a run folder `.../<data>/<row>/<seed>` has to say."""
    return cache_folder(root) / ("-".join(run_dir.resolve().parts[-3:]) + ".log")


def store_lock(root: Path) -> Path:
    """Held while the store is opened: the first use makes the tables, and only one process may."""
    return cache_folder(root) / "locks" / "store.lock"


def import_lock(root: Path) -> Path:
    """Held by a follower while it imports MLflow: one at a time, lest a busy machine fills with them."""
    return cache_folder(root) / "locks" / "import.lock"


def run_lock(root: Path, identity: str) -> Path:
    """Held by whoever writes the run of this identity; a follower holds it for its whole life."""
    return cache_folder(root) / "locks" / f"{identity}.lock"
