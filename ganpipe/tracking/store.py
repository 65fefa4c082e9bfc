"""Runs in MLflow's store."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganpipe.tracking import values
from ganpipe.tracking.content import KEY, Content
from ganpipe.tracking.values import Point

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

METRICS_LIMIT, PARAMS_LIMIT = 1000, 100  # in one request
DATA_DIGEST_LIMIT = 36  # characters of a data set's digest

DIGEST, PARENT = "ganpipe.digest", "mlflow.parentRunId"
KIND = {"mlflow.experimentKind": "custom_model_development"}  # else the UI opens in its view of language models
SAMPLES = "samples"
Clock = Callable[[int], int]
"""When a step was done, in milliseconds since 1970."""


class Store:
    """Runs by the key of their record. Whoever writes a run holds the lock of its record."""

    def __init__(self, client: MlflowClient, uri: str, artifacts: Path | None) -> None:
        """artifacts: where new experiments keep theirs; None where a server decides."""
        self.client, self.uri, self._artifacts = client, uri, artifacts
        self._experiments: dict[str, str] = {}

    def experiment(self, data: str) -> str:
        """Number of the experiment of this data set, made or restored where need be."""
        if data not in self._experiments:
            self._experiments[data] = self._find_experiment(f"ganpipe/{data}")
        return self._experiments[data]

    def _find_experiment(self, name: str) -> str:
        from mlflow.exceptions import MlflowException

        if self.client.get_experiment_by_name(name) is None:
            location = self._artifacts.as_uri() if self._artifacts else None  # MLflow would decode a path
            with suppress(MlflowException):  # another process may be faster
                self.client.create_experiment(name, artifact_location=location, tags=KIND)
        found = self.client.get_experiment_by_name(name)
        if found is None:
            raise MlflowException(f"the experiment {name} can't be made")
        if found.lifecycle_stage != "active":
            self.client.restore_experiment(found.experiment_id)
        return str(found.experiment_id)

    def runs(self, data: str, **tags: str) -> list[Run]:
        """The runs of the data set with these tags, newest first; deleted ones, too."""
        from mlflow.entities import ViewType

        query = " and ".join(f"tags.`{key}` = '{value}'" for key, value in tags.items())
        return list(self.client.search_runs([self.experiment(data)], query, ViewType.ALL))

    def begin(self, content: Content) -> str:
        """Begin a run; its number."""
        from mlflow.entities import Param

        experiment = self.experiment(content.tags["data"])
        run_id = str(self.client.create_run(experiment, content.started, content.tags, content.name).info.run_id)
        params = [Param(key, value) for key, value in values.flatten(content.facts["parameters"]).items()]
        for first in range(0, len(params), PARAMS_LIMIT):
            self.client.log_batch(run_id, params=params[first : first + PARAMS_LIMIT])
        return run_id

    def log(self, run_id: str, content: Content, logged: dict[Point, Any], clock: Clock) -> None:
        """Log the metrics and pictures that `logged` does not hold, and add them to it."""
        from mlflow.entities import Metric
        from PIL import Image

        new = {point: value for point, value in content.points.items() if point not in logged}
        metrics = [Metric(name, value, clock(step), step) for (name, step), value in new.items()]
        for first in range(0, len(metrics), METRICS_LIMIT):
            self.client.log_batch(run_id, metrics=metrics[first : first + METRICS_LIMIT])
        logged |= new
        for step, path in content.grids.items():
            if (SAMPLES, step) not in logged:
                with Image.open(path) as image:  # the UI shows those of all steps with a slider
                    self.client.log_image(run_id, image, key=SAMPLES, step=step, timestamp=clock(step))
                logged[SAMPLES, step] = None

    def complete(self, content: Content, parent: str | None = None) -> tuple[str | None, str]:
        """Make a run what it should be, and the only one of its key; its number, and what was done.

        One that lacks something is completed, one that says anything else is replaced, and one that a person deleted in
        MLflow when it was complete stays deleted: its number is None.
        """
        data = content.tags["data"]
        every = self.runs(data, **{KEY: content.tags[KEY]})
        runs = _active(every)
        whole = {DIGEST: content.digest} | ({PARENT: parent} if parent else {})
        for run in runs[:1] or every[:1]:
            if len(runs) < 2 and run.info.status == "FINISHED" and whole.items() <= run.data.tags.items():
                return (run.info.run_id if runs else None), "unchanged"
        wanted = {**content.points, **{(SAMPLES, step): None for step in content.grids}}
        run_id, logged = "", {}
        for run in runs:
            held = {} if run_id else self._held(run)
            if not run_id and run.info.start_time == content.started and held.items() <= wanted.items():
                run_id, logged = run.info.run_id, held
            else:
                self.client.delete_run(run.info.run_id)
        done = "completed" if run_id else "replaced" if runs else "created"
        run_id = run_id or self.begin(content)
        self.log(run_id, content, logged, content.clock)
        self._log_files(run_id, content)
        self._tag(run_id, {**content.tags, **whole})
        self.client.set_terminated(run_id, "FINISHED", content.ended)
        return run_id, done

    def end(self, data: str, key: str) -> str:
        """End the run of a training that was killed; what was done."""
        running = [run for run in _active(self.runs(data, **{KEY: key})) if run.info.status == "RUNNING"]
        for run in running:
            self.client.set_terminated(run.info.run_id, "KILLED")
        return "ended" if running else "unchanged"

    def _held(self, run: Run) -> dict[Point, Any]:
        """What a run has of metrics and pictures."""
        run_id = run.info.run_id
        names = [name for name in run.data.metrics if not name.startswith("system/")]
        histories = [self.client.get_metric_history(run_id, name) for name in names]
        images = [file.path.split("+") for file in self.client.list_artifacts(run_id, "images")]
        points = {(one.key, one.step): one.value for history in histories for one in history}
        return points | {(SAMPLES, int(parts[2])): None for parts in images if len(parts) > 2 and parts[2].isdecimal()}

    def _log_files(self, run_id: str, content: Content) -> None:
        from mlflow.entities import Dataset, DatasetInput, InputTag

        self.client.log_artifact(run_id, str(content.file))
        if found := content.facts.get("dataset_digest"):
            place = json.dumps({"uri": f"data/prepared/{content.tags['data']}"})
            dataset = Dataset(content.tags["data"], found[:DATA_DIGEST_LIMIT], "local", place)
            self.client.log_inputs(run_id, [DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])])

    def _tag(self, run_id: str, tags: Mapping[str, str]) -> None:
        from mlflow.entities import RunTag

        self.client.log_batch(run_id, tags=[RunTag(key, value) for key, value in tags.items()])


def _active(runs: list[Run]) -> list[Run]:
    return [run for run in runs if run.info.lifecycle_stage == "active"]
