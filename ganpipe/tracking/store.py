"""The MLflow store: opened without noise or long waits, and one run per training in it."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import time
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ganpipe.tracking.paths import IDENTITY, artifacts_folder, is_remote, store_lock, store_uri
from ganpipe.tracking.records import Record, Row, SeedEvaluation, grid_files, is_whole_png, rows_of
from ganpipe.utils.errors import UserError

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

METRICS_LIMIT = 1000  # in one request
PARAMS_LIMIT = 100
DIGEST_LIMIT = 36  # characters of a data set's digest
SET_UP_LIMIT = 600.0  # seconds that another process, perhaps of lowest priority, may take to make the tables

CONTENT = "ganpipe.content"
INHERITED = ("DVC_STAGE", "DVC_EXP_NAME", "DVC_EXP_BASELINE_REV")

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


@dataclass(frozen=True)
class RunKey:
    """What identifies a run before its result is known."""

    identity: str
    data: str
    variant: str
    seed: int

    @property
    def tags(self) -> dict[str, str]:
        """The tags that every run has from its start."""
        return {IDENTITY: self.identity, "variant": self.variant, "data": self.data, "seed": str(self.seed)}


def run_key(record: Record) -> RunKey:
    """The key of a finished training."""
    return RunKey(record.identity, record.data, record.variant, record.seed)


def configure_environment() -> None:
    """Short waits, no telemetry, no chatter, unless the user set it otherwise; before importing mlflow."""
    for key, value in ENVIRONMENT.items():
        os.environ.setdefault(key, value)


def open_store(root: Path) -> Store:
    """Open the store of this root, and make it on first use, one process at a time.

    Raises UserError where another process has been making it for ten minutes, and whatever MLflow raises.
    """
    import_mlflow(root)
    from filelock import FileLock, Timeout
    from mlflow import MlflowClient

    uri = store_uri(root)
    if is_remote(uri):
        return Store(MlflowClient(tracking_uri=uri), None)
    try:
        with FileLock(store_lock(root), timeout=SET_UP_LIMIT):
            return Store(MlflowClient(tracking_uri=uri), artifacts_folder(root))
    except Timeout as error:
        raise UserError(f"{uri} has been set up by another process for too long: end it, then repeat.") from error


def import_mlflow(root: Path) -> None:
    """Import all that the store of this root needs: seconds of CPU."""
    configure_environment()
    with warnings.catch_warnings():
        # SQLAlchemy 2.1 deprecates what MLflow's own tables use
        warnings.filterwarnings("ignore", message="The ``noload`` loader strategy is deprecated")
        import mlflow

        if not is_remote(store_uri(root)):
            import mlflow.store.tracking.sqlalchemy_store  # noqa: F401
    # whoever imported mlflow before us had it say more; a failure of the store is one sentence of ours
    logging.getLogger("mlflow").setLevel((os.environ["MLFLOW_LOGGING_LEVEL"] or "INFO").upper())


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


class Store:
    """Runs by the identity of their training. Whoever writes a run holds the lock of its identity."""

    def __init__(self, client: MlflowClient, artifacts: Path | None) -> None:
        self.client = client
        self.artifacts = artifacts
        """Where new experiments keep their artifacts; None where a server decides."""
        self._experiments: dict[str, str] = {}

    def experiment(self, data: str) -> str:
        """Number of the experiment of this data set, made or restored where need be."""
        if data not in self._experiments:
            self._experiments[data] = self._find_experiment(f"ganpipe/{data}")
        return self._experiments[data]

    def _find_experiment(self, name: str) -> str:
        from mlflow.exceptions import MlflowException

        found = self.client.get_experiment_by_name(name)
        if found is None:
            location = self.artifacts.as_uri() if self.artifacts else None  # MLflow would decode a path
            try:
                return str(self.client.create_experiment(name, artifact_location=location))
            except MlflowException:
                found = self.client.get_experiment_by_name(name)  # another process was faster
                if found is None:
                    raise
        if found.lifecycle_stage != "active":
            self.client.restore_experiment(found.experiment_id)
        return str(found.experiment_id)

    def runs(self, data: str, query: str = "") -> Iterator[Run]:
        """All runs of the data set that were not deleted, newest first."""
        token: str | None = None
        while True:
            page = self.client.search_runs([self.experiment(data)], query, max_results=METRICS_LIMIT, page_token=token)
            yield from page
            token = page.token
            if not token:
                return

    def find(self, key: RunKey) -> list[Run]:
        """The runs of this training, newest first: none or one, unless somebody doubled them."""
        found = self.runs(key.data, f"tags.`{IDENTITY}` = '{key.identity}'")
        return [run for run in found if run.data.tags.get("variant") == key.variant]

    def replace(self, key: RunKey, started: int, tags: dict[str, str], old: Iterable[Run]) -> str:
        """Begin the run of this training, at `started` in milliseconds, in the place of `old`; its number."""
        for run in old:
            self.client.delete_run(run.info.run_id)
        run = self.client.create_run(
            self.experiment(key.data),
            started,
            tags={**tags, **key.tags},
            run_name=f"{key.variant}/{key.seed}",
        )
        return str(run.info.run_id)

    def log_rows(self, run_id: str, rows: Iterable[Row], now: int) -> int:
        """Log rows of the history at the time `now` (milliseconds); how many numbers. May be repeated."""
        from mlflow.entities import Metric

        metrics = [Metric(key, value, now, row.step) for row in rows for key, value in row.values.items()]
        for first in range(0, len(metrics), METRICS_LIMIT):
            self.client.log_batch(run_id, metrics=metrics[first : first + METRICS_LIMIT])
        return len(metrics)

    def log_parameters(self, run_id: str, parameters: dict[str, str]) -> None:
        """Log flat parameters. May be repeated with the same values."""
        from mlflow.entities import Param

        params = [Param(key, value) for key, value in parameters.items()]
        for first in range(0, len(params), PARAMS_LIMIT):
            self.client.log_batch(run_id, params=params[first : first + PARAMS_LIMIT])

    def log_grid(self, run_id: str, path: Path) -> bool:
        """Log a grid; False where the file is not there, or not yet whole."""
        if not is_whole_png(path):
            return False
        try:
            self.client.log_artifact(run_id, str(path), "grids")
        except FileNotFoundError:
            return False
        return True

    def log_evaluation(self, run: Run, evaluation: SeedEvaluation) -> bool:
        """Log the metrics and tags of the evaluation that the run lacks, or has with another value; whether any."""
        from mlflow.entities import Metric, RunTag

        missing = missing_evaluation(run, evaluation)
        if missing.metrics:
            # the latest counts: later than those in the store, also where the clock was set back since
            logged = [
                self.client.get_metric_history(run.info.run_id, key)
                for key in missing.metrics
                if key in run.data.metrics
            ]
            last = max((metric.timestamp for metrics in logged for metric in metrics), default=0)
            now = max(time.time_ns() // 1_000_000, last + 1)
            self.client.log_batch(
                run.info.run_id, metrics=[Metric(key, value, now, 0) for key, value in missing.metrics.items()]
            )
        tags = [RunTag(key, value) for key, value in missing.tags.items() if value is not None]
        for batch in (tags[k : k + PARAMS_LIMIT] for k in range(0, len(tags), PARAMS_LIMIT)):
            self.client.log_batch(run.info.run_id, tags=batch)
        for key in missing.tags.keys() - {tag.key for tag in tags}:
            self.client.delete_tag(run.info.run_id, key)
        return bool(missing)

    def finish(self, run_id: str, record: Record, content: str | None, ended: int) -> None:
        """End a run with all facts of a finished training; `content` None has the next sync make it again."""
        from mlflow.entities import Dataset, DatasetInput, InputTag, RunTag

        self.log_parameters(run_id, record.parameters)
        if record.dataset_digest:
            place = json.dumps({"uri": f"data/prepared/{record.data}"})
            dataset = Dataset(record.data, record.dataset_digest[:DIGEST_LIMIT], "local", place)
            self.client.log_inputs(run_id, [DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])])
        tags = {**record.facts, "title": record.title, "mlflow.note.content": record.title}
        if content:
            tags[CONTENT] = content
        self.client.log_batch(run_id, tags=[RunTag(key, value) for key, value in tags.items()][:PARAMS_LIMIT])
        self.client.set_terminated(run_id, "FINISHED", ended)

    def project(self, run_dir: Path, record: Record, old: list[Run]) -> str:
        """Make the whole run of a finished training from its folder, in the place of `old`; its number.

        The times are those of run.json, as the folder knows no other.
        """
        run_id = self.replace(run_key(record), record.modified, inherited(old), old)
        self.log_rows(run_id, rows_of(record.history), record.modified)
        logged = [self.log_grid(run_id, path) for path in grid_files(run_dir)]
        self.finish(run_id, record, record.content if sum(logged) == len(record.grids) else None, record.modified)
        return run_id


def is_current(runs: list[Run], record: Record) -> bool:
    """Whether the store holds this very result, once."""
    return len(runs) == 1 and runs[0].info.status == "FINISHED" and runs[0].data.tags.get(CONTENT) == record.content


def missing_evaluation(run: Run, evaluation: SeedEvaluation) -> SeedEvaluation:
    """The metrics and tags that the run lacks, or has with another value."""
    logged, tags = run.data.metrics, run.data.tags
    return SeedEvaluation(
        {key: value for key, value in evaluation.metrics.items() if key not in logged or not _same(logged[key], value)},
        {key: value for key, value in evaluation.tags.items() if tags.get(key) != value},
    )


def inherited(runs: list[Run]) -> dict[str, str]:
    """Where the training was started from, as an earlier run of it noted."""
    for run in runs:
        if tags := {key: run.data.tags[key] for key in INHERITED if key in run.data.tags}:
            return tags
    return {}


def _same(one: float, other: float) -> bool:
    return one == other or (one != one and other != other)
