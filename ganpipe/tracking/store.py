"""The runs in MLflow's store that the records ask for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganpipe.tracking import values
from ganpipe.tracking.records import Group, Training, digest, now

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

METRICS_LIMIT, PARAMS_LIMIT = 1000, 100  # in one request
DIGEST_LIMIT = 36  # characters of a data set's digest

KEY, TRAINED, EVALUATED, PARENT = "ganpipe.key", "ganpipe.trained", "ganpipe.evaluated", "mlflow.parentRunId"
KIND = {"mlflow.experimentKind": "custom_model_development"}  # else the UI opens in its view of language models


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

        found = self.client.get_experiment_by_name(name)
        if found is None:
            location = self._artifacts.as_uri() if self._artifacts else None  # MLflow would decode a path
            try:
                return str(self.client.create_experiment(name, artifact_location=location, tags=KIND))
            except MlflowException:
                found = self.client.get_experiment_by_name(name)  # another process was faster
                if found is None:
                    raise
        if found.lifecycle_stage != "active":
            self.client.restore_experiment(found.experiment_id)
        for key, value in KIND.items() - found.tags.items():
            self.client.set_experiment_tag(found.experiment_id, key, value)
        return str(found.experiment_id)

    def runs(self, data: str, key: str | None = None) -> list[Run]:
        """The runs of the data set, or those with this key, newest first; deleted ones, too."""
        from mlflow.entities import ViewType

        query = f"tags.`{KEY}` = '{key}'" if key else ""
        found: list[Run] = []
        token: str | None = None
        while True:
            page = self.client.search_runs(
                [self.experiment(data)], query, ViewType.ALL, max_results=METRICS_LIMIT, page_token=token
            )
            found += page
            token = page.token
            if not token:
                return found

    def by_key(self, data: str) -> dict[str, list[Run]]:
        """All runs of the data set by the key of their record."""
        found: dict[str, list[Run]] = {}
        for run in self.runs(data):
            found.setdefault(run.data.tags.get(KEY, ""), []).append(run)
        return found

    def active(self, data: str, key: str) -> list[Run]:
        """The runs with this key that nobody deleted, newest first."""
        return _active(self.runs(data, key))

    # ---- while a training runs --------------------------------------------------------------------------------------

    def begin(self, one: Training, parameters: Mapping[str, Any]) -> str:
        """Begin the run of a training in place of older ones; its number."""
        old = self.active(one.data, one.key)
        run_id = self._create(one, one.times["started"], one.times["tags"], f"{one.variant}/{one.seed}")
        self.client.set_tag(run_id, "seed", str(one.seed))
        self._log_parameters(run_id, parameters)
        for run in old:
            self.client.delete_run(run.info.run_id)
        return run_id

    def log_points(self, run_id: str, points: Mapping[values.Point, float], at: Mapping[int, int] | int) -> None:
        """Log metrics at these times, in milliseconds by step. What was logged at the same time counts once."""
        from mlflow.entities import Metric

        metrics = [
            Metric(name, value, at if isinstance(at, int) else at[step], step) for (name, step), value in points.items()
        ]
        for first in range(0, len(metrics), METRICS_LIMIT):
            self.client.log_batch(run_id, metrics=metrics[first : first + METRICS_LIMIT])

    def log_grid(self, run_id: str, step: int, path: Path, at: int) -> None:
        """Log a picture of samples: the UI shows those of all steps with a slider."""
        from PIL import Image

        with Image.open(path) as image:
            self.client.log_image(run_id, image, key="samples", step=step, timestamp=at)

    # ---- from the records -------------------------------------------------------------------------------------------

    def complete(self, group: Group, one: Training, parent: str | None, known: list[Run] | None = None) -> str | None:
        """Make the run of a finished training what its record says; what was done, None for nothing.

        known: the runs with its key, perhaps from before its lock was held. A run that a person deleted in MLflow when
        it was complete stays deleted.
        """
        evaluation = group.read("evaluation.json")
        points = values.of_seed(evaluation, one.seed, _last(one)) if evaluation else {}
        status = evaluation["statuses"][evaluation["seeds"].index(one.seed)] if points else one.facts.get("status")
        want = {TRAINED: one.digest}
        want |= {EVALUATED: _digest([sorted(points.items()), status])} if points else {}
        links = {PARENT: parent} if parent else {}
        if _current(known or [], want | links) or _current(runs := self.runs(one.data, one.key), want | links):
            return None
        active = _active(runs)
        fit = [run for run in active if _fits(run, want) and run.info.start_time == one.times["started"]]
        done = None if fit else "replaced" if active else "created"
        if fit:
            run_id, tags, ended = fit[0].info.run_id, fit[0].data.tags, fit[0].info.status == "FINISHED"
        else:
            name = f"{one.variant}/{one.seed}"
            run_id, tags, ended = self._create(one, one.times["started"], one.times["tags"], name), {}, False
        if TRAINED not in tags or not ended:
            self._log_training(run_id, one)
            self._tag(run_id, values.status(status) | {TRAINED: want[TRAINED]})
            self.client.set_terminated(run_id, "FINISHED", one.times["ended"])
            done = done or "completed"
        if points and EVALUATED not in tags:
            self.log_points(run_id, points, _clock(one, points))
            self._tag(run_id, values.status(status) | {EVALUATED: want[EVALUATED]})
            done = done or "evaluated"
        if links:
            self._tag(run_id, links)
        return self._remove_others(run_id, active) or done or "evaluated"

    def end(self, one: Training) -> str | None:
        """End the run of a training that was killed; what was done, None for nothing."""
        running = [run for run in self.active(one.data, one.key) if run.info.status == "RUNNING"]
        for run in running:
            self.client.set_terminated(run.info.run_id, "KILLED")
        return "ended" if running else None

    def _log_training(self, run_id: str, one: Training) -> None:
        """Log what the run lacks of the history, the pictures and the facts."""
        wanted = values.history(one.history)
        known = {
            (name, metric.step): metric.timestamp
            for name in {name for name, _ in wanted}
            for metric in self.client.get_metric_history(run_id, name)
        }
        lacking = {point: value for point, value in wanted.items() if point not in known}
        latest = max(known.values(), default=0)  # points that were logged live came later than their steps were done
        self.log_points(run_id, lacking, {step: max(at, latest) for step, at in _clock(one, lacking).items()})
        logged = {
            file.path.partition("+step+")[2].partition("+")[0] for file in self.client.list_artifacts(run_id, "images")
        }
        clock = _clock(one, [("", step) for step in one.grids])
        for step, path in one.grids.items():
            if str(step) not in logged:
                self.log_grid(run_id, step, path, clock[step])
        self.client.log_artifact(run_id, str(one.folder / "run.json"))
        facts = one.facts
        self._log_parameters(run_id, facts["parameters"])
        self._log_data(run_id, facts)
        about = {"device": str(facts.get("device")), "seed": str(one.seed), "mlflow.note.content": facts["title"]}
        self._tag(run_id, about)

    def complete_parent(self, group: Group, known: list[Run] | None = None) -> tuple[str | None, str | None]:
        """The same for an evaluated variant: the number of its run, if it has one, and what was done."""
        evaluation = group.read("evaluation.json")
        children = [one for seed in evaluation.get("seeds") or () if (one := group.training(seed)).finished]
        if not children:
            return None, None
        began = min(one.times["started"] for one in children)
        ended = began + sum(one.times["ended"] - one.times["started"] for one in children)  # all of its trainings
        tags, rank = group.read("tags.json") or children[0].times["tags"], group.read("rank.json")
        want = {EVALUATED: _digest([evaluation, began, ended, tags])}
        ranked = {"rank": str(rank["text"])} if rank else {}
        for runs in (known or [], self.runs(group.data, group.key)):
            if _current(runs, want | ranked):
                return next((run.info.run_id for run in _active(runs)), None), None
        active = _active(runs)
        fit = [run.info.run_id for run in active if _fits(run, want) and run.info.status == "FINISHED"]
        done = "evaluated" if fit else "replaced" if active else "created"
        last = _last(children[0])
        if fit:
            run_id = fit[0]
        else:
            name = f"{group.variant} ({tags['DVC_EXP_NAME']})" if "DVC_EXP_NAME" in tags else group.variant
            run_id = self._create(group, began, tags, name)
            facts = children[0].facts
            self._log_parameters(run_id, facts["parameters"])
            self._log_data(run_id, facts)
            points = values.of_variant(evaluation, last)
            self.log_points(run_id, points, _clock(children[0], points))
            self.client.log_artifact(run_id, str(group.folder / "evaluation.json"))
            about = {"seeds": " ".join(str(one.seed) for one in children), "mlflow.note.content": facts["title"]}
            self._tag(run_id, about | values.statuses(evaluation) | want)
            self.client.set_terminated(run_id, "FINISHED", ended)
        if rank and rank["number"] is not None:
            self.log_points(run_id, {("rank", last): rank["number"]}, now())
        if ranked:
            self._tag(run_id, ranked)
        self._remove_others(run_id, active)
        return run_id, done

    # ---- parts of both ----------------------------------------------------------------------------------------------

    def _create(self, of: Training | Group, started: int, tags: Mapping[str, str], name: str) -> str:
        tags = {**tags, KEY: of.key, "data": of.data, "variant": of.variant}
        run = self.client.create_run(self.experiment(of.data), started, tags=tags, run_name=name)
        return str(run.info.run_id)

    def _log_parameters(self, run_id: str, parameters: Mapping[str, Any]) -> None:
        from mlflow.entities import Param

        params = [Param(key, value) for key, value in values.flatten(parameters).items()]
        for first in range(0, len(params), PARAMS_LIMIT):
            self.client.log_batch(run_id, params=params[first : first + PARAMS_LIMIT])

    def _log_data(self, run_id: str, facts: Mapping[str, Any]) -> None:
        from mlflow.entities import Dataset, DatasetInput, InputTag

        if facts.get("dataset_digest"):
            place = json.dumps({"uri": f"data/prepared/{facts['data']}"})
            dataset = Dataset(facts["data"], facts["dataset_digest"][:DIGEST_LIMIT], "local", place)
            self.client.log_inputs(run_id, [DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])])

    def _remove_others(self, run_id: str, runs: list[Run]) -> str | None:
        """Remove doubled and outdated runs; what was done, None for nothing."""
        others = [run for run in runs if run.info.run_id != run_id]
        for run in others:
            self.client.delete_run(run.info.run_id)
        return "replaced" if others else None

    def _tag(self, run_id: str, tags: Mapping[str, str]) -> None:
        from mlflow.entities import RunTag

        self.client.log_batch(run_id, tags=[RunTag(key, value) for key, value in tags.items()])


def _active(runs: list[Run]) -> list[Run]:
    return [run for run in runs if run.info.lifecycle_stage == "active"]


def _current(runs: list[Run], want: Mapping[str, str]) -> bool:
    """Whether there is nothing to do: one run, complete, or a complete one that a person deleted."""
    of = _active(runs) or runs[:1]
    return len(of) == 1 and of[0].info.status == "FINISHED" and want.items() <= of[0].data.tags.items()


def _fits(run: Run, want: Mapping[str, str]) -> bool:
    """Whether the run says nothing else than it should; it may lack something."""
    return all(run.data.tags.get(key, value) == value for key, value in want.items())


def _digest(content: Any) -> str:
    return digest(json.dumps(content, sort_keys=True).encode())


def _last(one: Training) -> int:
    return int(one.facts["parameters"]["steps"])


def _clock(one: Training, points: Any) -> dict[int, int]:
    """When a step was done, in milliseconds: the record knows beginning and end, and the rest lies evenly between."""
    began, ended, last = one.times["started"], one.times["ended"], _last(one)
    return {step: began + round((ended - began) * min(1.0, step / max(last, 1))) for _, step in points}
