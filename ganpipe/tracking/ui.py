"""MLflow's pages over the store of this repository."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import NoReturn
from urllib.parse import quote

from ganpipe.tracking.paths import artifacts_folder, is_remote, store_uri
from ganpipe.tracking.sync import sync
from ganpipe.utils.errors import UserError

VIEW = "workflowType=machine_learning"  # the UI opens in its view of language models else


def ui(root: Path, selected: tuple[str, str] | None, host: str = "127.0.0.1", port: int = 5000) -> NoReturn:
    """Sync, then become MLflow's server at `http://host:port` until a signal ends it; does not return.

    selected: data set and variant, to whose runs a link is printed. Raises UserError where the store lies behind a
    server, which has pages of its own.
    """
    from ganpipe.tracking.opening import configure_environment

    uri = store_uri(root)
    if is_remote(uri):
        raise UserError(f"MLFLOW_TRACKING_URI names the server {uri}: open its pages there.")
    root = root.resolve()
    print(sync(root))
    address = f"http://{host}:{port}"
    print(f"MLflow: {address}/#/experiments?{VIEW}", flush=True)
    for what, way in links(root, *selected) if selected else ():
        print(f"{what}: {address}/#/{way}&{VIEW}", flush=True)
    configure_environment()
    command = [sys.executable, "-W", "ignore", "-m", "mlflow", "server", "--workers", "1"]
    command += ["--host", host, "--port", str(port), "--backend-store-uri", uri, "--registry-store-uri", uri]
    command += ["--default-artifact-root", artifacts_folder(root).as_uri(), "--uvicorn-opts", "--log-level warning"]
    os.environ["PYTHONWARNINGS"] = "ignore"  # for the server that this one starts
    os.execv(sys.executable, command)


def links(root: Path, data: str, variant: str) -> list[tuple[str, str]]:
    """Ways in MLflow's pages: all variants as charts, and the seeds of the newest result of one variant compared."""
    from ganpipe.tracking.opening import open_store
    from ganpipe.tracking.store import PARENT

    store = open_store(root)
    if store.client.get_experiment_by_name(f"ganpipe/{data}") is None:
        return []
    number = store.experiment(data)
    found = [("All variants", f"experiments/{number}/runs?compareRunsMode=CHART")]
    runs = [run for run in store.runs(data, variant=variant) if run.info.lifecycle_stage == "active"]
    parents = [run.data.tags[PARENT] for run in runs if PARENT in run.data.tags]
    children = [run for run in runs if run.data.tags.get(PARENT) in parents[:1]]
    if children:
        seeds = [run.info.run_id for run in sorted(children, key=lambda run: int(run.data.tags["seed"]))]
        query = f"runs={quote(json.dumps(seeds))}&experiments={quote(json.dumps([number]))}"
        found.append((f"The seeds of {variant}", f"compare-runs?{query}"))
    return found
