"""What a run in MLflow shows, made from a record alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ganpipe.tracking import values
from ganpipe.tracking.records import Group, Training, digest, grids

KEY = "ganpipe.key"


@dataclass(frozen=True)
class Content:
    """started, ended: milliseconds since 1970. facts: run.json. points: metrics. file: the artifact that says all."""

    name: str
    facts: Mapping[str, Any]
    tags: dict[str, str]
    started: int
    ended: int
    points: Mapping[values.Point, float] = field(default_factory=dict)
    grids: Mapping[int, Path] = field(default_factory=dict)
    file: Path | None = None

    @property
    def digest(self) -> str:
        points = sorted(self.points.items())
        return digest([self.name, self.started, self.ended, self.tags, points, sorted(self.grids)])

    def clock(self, step: int) -> int:
        """When a step was done: the record knows beginning and end, and the rest lies evenly between."""
        return self.started + round((self.ended - self.started) * min(1.0, step / max(_steps(self.facts), 1)))


def of_beginning(one: Training, facts: Mapping[str, Any], started: int, tags: Mapping[str, str]) -> Content:
    """Of a training that begins. facts: those that are known."""
    return Content(one.name, facts, _tags(one, facts, tags) | {"seed": str(one.seed)}, started, started)


def of_training(one: Training) -> Content:
    """Of a finished training, with its evaluation where there is one."""
    times, facts, evaluation = one.times, one.facts, one.group.read("evaluation.json")
    points = values.of_seed(evaluation, one.seed, _steps(facts))
    status = evaluation["statuses"][evaluation["seeds"].index(one.seed)] if points else facts.get("status")
    began = of_beginning(one, facts, times["started"], times["tags"])
    return replace(
        began,
        ended=times["ended"],
        tags=began.tags | {"device": str(facts.get("device"))} | values.status(status),
        points=values.history(one.folder / "history.csv") | points,
        grids=grids(one.folder),
        file=one.folder / "run.json",
    )


def of_group(group: Group) -> Content | None:
    """Of a variant that is evaluated: means and intervals over its seeds; its duration is that of all its trainings."""
    evaluation, rank, tags = (group.read(f"{name}.json") for name in ("evaluation", "rank", "tags"))
    trainings = [one for seed in evaluation.get("seeds") or () if (one := group.training(seed)).finished]
    if not trainings:
        return None
    facts, times = trainings[0].facts, [one.times for one in trainings]
    began = min(one["started"] for one in times)
    points = values.of_variant(evaluation, _steps(facts))
    if rank.get("number") is not None:
        points["rank", _steps(facts)] = rank["number"]
    about = {"seeds": " ".join(str(one.seed) for one in trainings)} | values.statuses(evaluation)
    return Content(
        name=f"{group.variant} ({tags['DVC_EXP_NAME']})" if "DVC_EXP_NAME" in tags else group.variant,
        facts=facts,
        tags=_tags(group, facts, tags) | about | ({"rank": rank["text"]} if rank else {}),
        started=began,
        ended=began + sum(one["ended"] - one["started"] for one in times),
        points=points,
        file=group.folder / "evaluation.json",
    )


def _tags(of: Training | Group, facts: Mapping[str, Any], tags: Mapping[str, str]) -> dict[str, str]:
    return {**tags, KEY: of.key, "data": of.data, "variant": of.variant, "mlflow.note.content": facts["title"]}


def _steps(facts: Mapping[str, Any]) -> int:
    return int(facts["parameters"]["steps"])
