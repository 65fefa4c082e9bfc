"""MLflow's pages over the store of this repository."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn

from ganpipe.tracking.paths import artifacts_folder, is_remote, store_uri
from ganpipe.tracking.projection import sync
from ganpipe.utils.errors import UserError


def ui(root: Path, host: str = "127.0.0.1", port: int = 5000) -> NoReturn:
    """Sync, then become MLflow's server at `http://host:port` until a signal ends it; does not return.

    Raises UserError where the store lies behind a server, which has pages of its own.
    """
    from ganpipe.tracking.store import configure_environment

    uri = store_uri(root)
    if is_remote(uri):
        raise UserError(f"MLFLOW_TRACKING_URI names the server {uri}: open its pages there.")
    root = root.resolve()
    print(sync(root))
    print(f"MLflow: http://{host}:{port}", flush=True)
    configure_environment()
    command = [sys.executable, "-W", "ignore", "-m", "mlflow", "server", "--workers", "1"]
    command += ["--host", host, "--port", str(port), "--backend-store-uri", uri, "--registry-store-uri", uri]
    command += [
        "--default-artifact-root",
        artifacts_folder(root).as_uri(),
        "--uvicorn-opts",
        "--log-level warning",
    ]
    os.environ["PYTHONWARNINGS"] = "ignore"  # for the server that this one starts
    os.execv(sys.executable, command)
