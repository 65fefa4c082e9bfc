"""Opening MLflow's store: made on first use, without noise or long waits."""

from __future__ import annotations

import contextlib
import logging
import os
import warnings
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock

from ganpipe.tracking.paths import artifacts_folder, is_remote, sqlite_uri, store_lock, store_uri
from ganpipe.tracking.store import Store
from ganpipe.utils.errors import UserError

ENVIRONMENT = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_LOGGING_LEVEL": "CRITICAL",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "GIT_PYTHON_REFRESH": "quiet",
}


def configure_environment() -> None:
    """Short waits, no telemetry, no chatter, unless the user set it otherwise; before importing mlflow."""
    for key, value in ENVIRONMENT.items():
        os.environ.setdefault(key, value)


def open_store(root: Path) -> Store:
    """Import MLflow and open the store of this root; it is made on first use, by one process at a time.

    Raises whatever MLflow raises.
    """
    configure_environment()
    uri = store_uri(root)
    with warnings.catch_warnings():
        # SQLAlchemy 2.1 deprecates what MLflow's own tables use
        warnings.filterwarnings("ignore", message="The ``noload`` loader strategy is deprecated")
        from mlflow import MlflowClient

        if not is_remote(uri):
            import mlflow.store.tracking.sqlalchemy_store  # noqa: F401
    # whoever imported mlflow before us had it say more; a failure of the store is one sentence of ours
    logging.getLogger("mlflow").setLevel((os.environ["MLFLOW_LOGGING_LEVEL"] or "INFO").upper())
    if is_remote(uri):
        return Store(MlflowClient(tracking_uri=uri), uri, None)
    with FileLock(store_lock(root)):
        _make_tables(uri, root)
        return Store(MlflowClient(tracking_uri=uri), uri, artifacts_folder(root))


def _make_tables(uri: str, root: Path) -> None:
    """Make a new SQLite store beside its place: no later process opens one whose maker ended half-way."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
    from sqlalchemy.engine import make_url

    file = make_url(uri).database if uri.startswith("sqlite") else None
    if not file or (os.path.exists(file) and os.path.getsize(file)):
        return
    part = Path(file).with_name(f".{Path(file).name}.part")
    part.unlink(missing_ok=True)
    store = SqlAlchemyStore(sqlite_uri(part), artifacts_folder(root).as_uri())
    store.engine.dispose()
    part.replace(file)


@contextlib.contextmanager
def failures_of(uri: str) -> Iterator[None]:
    """Turn what MLflow raises into UserError, one sentence with the remedy."""
    configure_environment()
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        reason = " ".join(str(error).split())[:300]
        raise UserError(f"The MLflow store {uri} fails; start or repair it, or name another: {reason}") from error
