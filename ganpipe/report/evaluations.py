"""What `evals/<data>/<row>.json` says, as frozen dataclasses. The format is described in CONTRIBUTING.md."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ganpipe.errors import BadInput
from ganpipe.statistics import Number


@dataclass(frozen=True)
class Figure:
    """One figure of one row: a value per seed, between the floor (real data) and the ceiling (noise)."""

    name: str
    label: str
    better: str | None
    floor: Number
    ceiling: Number
    raw: tuple[Number, ...]
    ema: tuple[Number, ...]
    floor_deviation: Number = None
    """Of the floor over its draws."""
    errors: Mapping[str, tuple[Number, ...]] = field(default_factory=dict)
    """By weights: the standard error for the samples of each seed, where the figure has one."""
    notes: Mapping[str, tuple[str | None, ...]] = field(default_factory=dict)
    """By weights: of each seed why its value was not computed, or what has to be known of it; None where nothing is."""
    network: str = "none"
    resizer: str = "none"
    generated: int | None = None
    real: int | None = None
    split: str = "test"
    leads: bool = True
    """Whether it stands in the first table."""


@dataclass(frozen=True)
class Classes:
    """The share of each class among the real samples, and among the generated ones of each seed."""

    names: tuple[str, ...]
    real: tuple[float, ...]
    raw: tuple[tuple[float, ...], ...]
    ema: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Verdict:
    """What the result of a seed is called, and why."""

    kind: str
    reason: str


@dataclass(frozen=True)
class Course:
    """One figure at each moment of each seed's training, None from where a training had ended."""

    name: str
    label: str
    better: str | None
    floor: Number
    raw: tuple[tuple[Number, ...], ...]
    ema: tuple[tuple[Number, ...], ...]


@dataclass(frozen=True)
class Moments:
    """After which steps a training was looked at, with how many samples, and what was found."""

    steps: tuple[int, ...]
    generated: int
    figures: tuple[Course, ...]


@dataclass(frozen=True)
class Evaluation:
    """`evals/<data>/<row>.json`."""

    row: str
    title: str
    data: str
    not_applicable: str | None
    seeds: tuple[int, ...]
    protocol: Mapping[str, Any]
    figures: tuple[Figure, ...]
    classes: Classes | None
    moments: Moments | None = None
    verdicts: tuple[Verdict | None, ...] = ()
    """One per seed, None where nothing is wrong."""


def evaluation_of(name: str, row: str, content: Mapping[str, Any]) -> Evaluation:
    reason = content.get("not_applicable")
    seeds = tuple(int(seed) for seed in content.get("seeds") or ())
    figures = [] if reason else [_figure(key, value) for key, value in content["figures"].items()]
    for figure in figures:
        for weights, values in (("raw", figure.raw), ("ema", figure.ema)):
            if len(values) != len(seeds) and (values or weights == "raw"):
                said = f"{len(values)} {weights} values of {figure.name!r} for {len(seeds)} seeds"
                raise BadInput(f"{name} has {said}: evaluate the row {row!r} again.")
    classes = content.get("classes")
    return Evaluation(
        row=row,
        title=str(content.get("title") or row),
        data=str(content["data"]),
        not_applicable=str(reason) if reason else None,
        seeds=seeds,
        protocol=content.get("protocol") or {},
        figures=tuple(figures),
        classes=_classes(classes) if classes and not reason else None,
        moments=_moments(content["moments"]) if content.get("moments") else None,
        verdicts=tuple(v and Verdict(str(v["kind"]), str(v["reason"])) for v in content.get("verdicts") or ()),
    )


def _figure(name: str, value: Mapping[str, Any]) -> Figure:
    return Figure(
        name=name,
        label=str(value.get("label") or name),
        better=value.get("better"),
        floor=number_of(value.get("floor")),
        ceiling=number_of(value.get("ceiling")),
        raw=tuple(number_of(v) for v in value["raw"]),
        ema=tuple(number_of(v) for v in value.get("ema") or ()),
        floor_deviation=number_of(value.get("floor_deviation")),
        errors={w: tuple(number_of(v) for v in of) for w, of in (value.get("errors") or {}).items()},
        notes={w: tuple(v and str(v) for v in of) for w, of in (value.get("notes") or {}).items()},
        network=str(value.get("network", "none")),
        resizer=str(value.get("resizer", "none")),
        generated=value.get("generated"),
        real=value.get("real"),
        split=str(value.get("split", "test")),
        leads=bool(value.get("leads", True)),
    )


def _moments(value: Mapping[str, Any]) -> Moments:
    steps = tuple(int(step) for step in value["steps"])

    def course(of: Sequence[Sequence[Any]]) -> tuple[tuple[Number, ...], ...]:
        if any(len(seed) != len(steps) for seed in of):
            raise ValueError(f"values for other than {len(steps)} moments")
        return tuple(tuple(number_of(v) for v in seed) for seed in of)

    figures = (
        Course(
            name,
            str(said.get("label") or name),
            said.get("better"),
            number_of(said.get("floor")),
            course(said["raw"]),
            course(said["ema"]),
        )
        for name, said in value["figures"].items()
    )
    return Moments(steps, int(value["generated"]), tuple(figures))


def _classes(value: Mapping[str, Any]) -> Classes:
    def shares(values: Sequence[Any]) -> tuple[float, ...]:
        if len(values) != len(value["names"]):
            raise ValueError(f"{len(values)} shares for {len(value['names'])} classes")
        return tuple(math.nan if v is None else float(v) for v in values)

    return Classes(
        names=tuple(str(name) for name in value["names"]),
        real=shares(value["real"]),
        raw=tuple(shares(seed) for seed in value["raw"]),
        ema=tuple(shares(seed) for seed in value.get("ema") or ()),
    )


def number_of(value: Any) -> Number:
    return None if value is None or value == "" else float(value)
