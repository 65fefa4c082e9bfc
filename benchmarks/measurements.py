"""What is measured for `benchmarks.papers`: probes of the lecture, f-GAN's Gaussians, trainings with several seeds."""

from __future__ import annotations

import hashlib
import importlib
import json
import math
import tempfile
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from pydantic import Field

from benchmarks import fgan_gaussian
from benchmarks.copies import SOURCE
from ganpipe.config import configuration
from ganpipe.config.evaluation import EvaluateParams
from ganpipe.config.variant import Variant
from ganpipe.data import Dataset, data_root
from ganpipe.evaluation.reference import Reference
from ganpipe.evaluation.setup import open_reference
from ganpipe.lecture.rules import variance_between
from ganpipe.parts import Count, Frozen, Line, Positive, Seed
from ganpipe.pipeline.specs import resolve_runtime
from ganpipe.prepared import PreparedDataset
from ganpipe.training.classifier import fit
from ganpipe.training.loop import TrainingArguments, configure, train
from ganpipe.training.model import load

KEPT = SOURCE / ".cache/papers"
Measured = dict[str, Any]
"""Numbers by name, or lists of them."""


class Measurement(Frozen):
    """minutes: of one core, about, for all of it."""

    minutes: Positive

    def tasks(self) -> list[tuple[str, int]]:
        """What can be measured by itself: variants and seeds."""
        return [("", 0)]

    def settings(self, variant: str) -> Any:
        """What the result depends on besides code, ready for JSON."""
        return None

    @abstractmethod
    def measure(self, variant: str, seed: int) -> Measured:
        """The values of one task, by name."""


class Probe(Measurement):
    """A probe of the lecture: its values, and its table's cells as <first cells of the row>.<column>."""

    kind: Literal["probe"]
    probe: Line

    def measure(self, variant: str, seed: int) -> Measured:
        result = importlib.import_module(f"ganpipe.lecture.probes.{self.probe}").run()
        cells: dict[str, float] = {}
        for row in result.rows:
            names = [str(cell) for i, cell in enumerate(row) if i == 0 or (isinstance(cell, str) and cell)]
            columns = zip(result.columns, row, strict=True)
            cells |= {".".join([*names, column]): cell for column, cell in columns if isinstance(cell, int | float)}
        finite = {name: cell for name, cell in cells.items() if math.isfinite(cell)}
        return finite | dict(result.values)


class FGanOptimum(Measurement):
    """f-GAN's best Gaussians by numerical minimisation: <variant>.divergence, .mean and .deviation."""

    kind: Literal["fgan_optimum"]

    def settings(self, variant: str) -> Any:
        return params().datasets["gaussian_1d"].model_dump(mode="json")

    def measure(self, variant: str, seed: int) -> Measured:
        source, names = fgan_gaussian.gaussian(params()), ("divergence", "mean", "deviation")
        found = {row: fgan_gaussian.optimum(row, source) for row in fgan_gaussian.FUNCTIONS}
        return {f"{row}.{name}": x for row, of in found.items() for name, x in zip(names, of, strict=True)}


class Seeded(Measurement):
    """Trainings of several variants with several seeds."""

    variants: dict[str, dict[str, Any]]
    seeds: Annotated[tuple[Seed, ...], Field(strict=False, min_length=2)]

    def tasks(self) -> list[tuple[str, int]]:
        return [(variant, seed) for seed in self.seeds for variant in self.variants]


class FGanFit(Seeded):
    """f-GAN's learned Gaussians: <variant>.mean, .deviation, and .excess, the critic's bound over the divergence in
    standard errors."""

    kind: Literal["fgan_fit"]

    def settings(self, variant: str) -> Any:
        parts = (variant_of(variant, "gaussian_1d", {}), params().datasets["gaussian_1d"], params().runtime)
        return [part.model_dump(mode="json") for part in parts]

    def measure(self, variant: str, seed: int) -> Measured:
        found = fgan_gaussian.fit(variant, seed, params())
        excess = (found.bound - found.true) / found.error
        return {"mean": found.mean, "deviation": found.deviation, "excess": excess}


class Training(Seeded):
    """What the evaluation of the last weights says of trainings on `data`: <variant>.<metric>.

    dataset, settings, evaluate: what differs from params.yaml, for all variants; a variant extends one of
    params.yaml. redraws: new sets of samples of each generator, of whose Fréchet distances `retraining_ratio` is made,
    the standard deviation over trainings divided by that over sets.
    """

    kind: Literal["training"]
    data: Line
    dataset: dict[str, Any] = Field(default_factory=dict)
    common: dict[str, Any] = Field(default_factory=dict)
    evaluate: dict[str, Any] = Field(default_factory=dict)
    redraws: Count | None = None

    @property
    def source(self) -> Dataset:
        base = params().datasets[self.data]
        return type(base).model_validate(base.model_dump() | self.dataset)

    def variant(self, name: str) -> Variant:
        return variant_of(name, self.data, self.common | self.variants[name])

    @property
    def protocol(self) -> EvaluateParams:
        found: EvaluateParams = EvaluateParams.model_validate(params().evaluate.model_dump() | self.evaluate)
        return found

    @property
    def side(self) -> dict[str, Any]:
        """The spec of the real side."""
        return {
            "data": self.data,
            "dataset": self.source.model_dump(mode="json"),
            "classifier": params().classifier.of(self.source).model_dump(mode="json"),
            "params": self.protocol.model_dump(mode="json"),
            "runtime": resolve_runtime(params().runtime).model_dump(mode="json"),
        }

    def settings(self, variant: str) -> Any:
        return [self.side, self.variant(variant).model_dump(mode="json", exclude={"health"}), self.redraws]

    def reference(self) -> tuple[PreparedDataset, Reference]:
        """The data and the real side, which is made where it is not kept yet. Raises UserError without the data."""
        data, folder = self.source.load(data_root(SOURCE)), KEPT / f"real-{digest(self.side)}"
        classifier, done = folder / "classifier", folder / "done"
        if not done.exists() and data.form == "images":
            runtime = resolve_runtime(params().runtime)
            configure(runtime)
            fit(data, params().classifier.of(self.source), torch.device(runtime.device), classifier)
        real = open_reference(self.side, data, folder, stored=done.exists(), classifier=classifier)
        done.touch()
        return data, real

    def measure(self, variant: str, seed: int) -> Measured:
        (data, real), chosen, runtime = self.reference(), self.variant(variant), resolve_runtime(params().runtime)
        configure(runtime)
        with tempfile.TemporaryDirectory() as out:
            folder = Path(out)
            outcome = train(TrainingArguments(f"{self.data} {variant}/{seed}", chosen, runtime, data, seed, folder))
            model, count = load(folder, averaged=False), chosen.num_samples
            failed = outcome.status is not None and outcome.status.kind == "not_finite"
            redrawn = [None if failed else model.sample(count, seed=1 + i) for i in range(self.redraws or 0)]
            samples = model.sample(count, seed=0)
        compared = min(count, self.protocol.max_samples)
        found = real.all_missing() if failed else real.measure(samples, compared)
        measured: Measured = {name: found.value(name) for name in found.values}
        if redrawn:
            measured["redrawn"] = [
                None if one is None else real.measure(one, compared, quick=True).value("frechet") for one in redrawn
            ]
        return measured


@cache
def params() -> configuration.Configuration:
    return configuration.load(SOURCE / "params.yaml")


def variant_of(name: str, data: str, own: Mapping[str, Any]) -> Variant:
    """The variant that `extends` names, by default that of the name, with settings of its own."""
    base = own.get("extends", name)
    content = {key: value for key, value in own.items() if key != "extends"}
    overlay = {"title": name, "extends": {base: params().variants[base]}, **content}
    return params().model_copy(update={"variants": {name: overlay}}).variant(name, data)


def digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]


def retraining_ratio(groups: Sequence[Sequence[float]]) -> tuple[float, float, float]:
    """How many times more a number varies between trainings than between draws of one, and its 95 % interval.

    groups: the same number of draws of each training. Of standard deviations: the square root of s / (1 - s), where s
    is the share of the variance between trainings.
    """
    value, low, high = (math.sqrt(s / (1 - s)) if s < 1 else math.inf for s in variance_between(groups))
    return value, low, high
