"""`evals/<data>/<row>.json` as validated models. The format is described in CONTRIBUTING.md.

What a page shows of a metric (its label, which way is better, whether it is in the main table, its baselines)
stands in the file: a new metric needs no edit here.
"""

from __future__ import annotations

from typing import Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ganpipe.statistics import Better, Number
from ganpipe.utils.errors import UserError

Weights = Literal["raw", "ema"]
WEIGHTS: tuple[Weights, ...] = ("raw", "ema")
"""The generator's weights after the last step, and their moving average over the training."""

M = TypeVar("M", bound=BaseModel)


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _ByWeights(_Model):
    """Something that is known for either kind of weights: fields `raw` and `ema`."""

    def of(self, weights: Weights) -> Any:
        """The values of these weights, one per seed."""
        return getattr(self, weights)


class Metric(_ByWeights):
    """One metric of one variant: a value per seed, between `real_baseline` (of real data) and `noise_baseline` (of
    noise).

    in_main_table: shown in the first table. real_baseline_std: that of the baseline over its draws. generated,
    real: numbers of samples that were compared, the real ones of `split`. errors: the standard error of each seed's
    value over the metric's own randomness, as KID's subsets. notes: why a seed's value was not computed, or what has
    to be known of it.
    """

    label: str
    better: Better | None = None
    in_main_table: bool = True
    real_baseline: Number = None
    real_baseline_std: Number = None
    noise_baseline: Number = None
    raw: tuple[Number, ...]
    ema: tuple[Number, ...] = ()
    errors: dict[Weights, tuple[Number, ...]] | None = None
    notes: dict[Weights, tuple[str | None, ...]] | None = None
    network: str = "none"
    resizer: str = "none"
    generated: int | None = None
    real: int | None = None
    split: str = "test"

    def notes_of(self, weights: Weights) -> tuple[str | None, ...]:
        """One note per seed, none where no seed has any."""
        return (self.notes or {}).get(weights, ())


class Classes(_ByWeights):
    """The share of each class among the real samples, and among the generated ones of each seed."""

    names: tuple[str, ...]
    real: tuple[float, ...]
    raw: tuple[tuple[Number, ...], ...]
    ema: tuple[tuple[Number, ...], ...] = ()

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if any(len(shares) != len(self.names) for shares in (self.real, *self.raw, *self.ema)):
            raise ValueError(f"shares for other than {len(self.names)} classes")
        return self


class Status(_Model):
    """What is wrong with the training or the samples of a seed."""

    kind: str
    reason: str


class Course(_ByWeights):
    """One metric at each snapshot of each seed's training, None from where a training had ended."""

    label: str
    better: Better | None = None
    real_baseline: Number = None
    raw: tuple[tuple[Number, ...], ...]
    ema: tuple[tuple[Number, ...], ...]


class Snapshots(_Model):
    """After which steps samples were kept, how many of them, and what the metrics say of them."""

    steps: tuple[int, ...]
    generated: int
    metrics: dict[str, Course]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        seeds = [values for course in self.metrics.values() for values in (*course.raw, *course.ema)]
        if any(len(values) != len(self.steps) for values in seeds):
            raise ValueError(f"values for other than {len(self.steps)} snapshots")
        return self


class Evaluation(_Model):
    """`evals/<data>/<row>.json`. nearest: a PNG in base64, samples above
    the training images nearest to them. statuses: one status per seed, None where nothing is wrong."""

    variant: str
    title: str
    data: str
    not_applicable: str | None = None
    seeds: tuple[int, ...] = ()
    protocol: dict[str, Any] = Field(default_factory=dict)
    metrics: dict[str, Metric]
    classes: Classes | None = None
    snapshots: Snapshots | None = None
    nearest: str | None = None
    statuses: tuple[Status | None, ...] = ()

    @model_validator(mode="after")
    def _complete(self) -> Self:
        for name, metric in self.metrics.items():
            for weights in WEIGHTS:
                values = metric.of(weights)
                if len(values) != len(self.seeds) and (values or weights == "raw"):
                    raise ValueError(f"{len(values)} {weights} values of {name!r} for {len(self.seeds)} seeds")
        return self


def validated(model: type[M], name: str, content: object) -> M:
    """The content of the file `name` as this model. Raises UserError with one sentence where it has another shape."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(key) for key in first["loc"])
        problem = f"{place}: {first['msg']}" if place else first["msg"]
        raise UserError(f"{name} has an unknown shape ({problem}): run its stage again.") from None
