"""The real side of every comparison, what it computes once, and the comparison of samples with it."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ganpipe.config.evaluation import EvaluateParams
from ganpipe.evaluation.extractors import Classifying, Extract
from ganpipe.evaluation.progress import PROGRESS
from ganpipe.metrics import Inputs, Kind, Metric, MetricSpec, MetricValue, choose, metrics
from ganpipe.metrics.class_coverage import class_shares
from ganpipe.metrics.modes import modes
from ganpipe.metrics.within_classes import Labelled
from ganpipe.prepared import PreparedDataset
from ganpipe.utils.errors import UserError
from ganpipe.utils.io import atomic_write

Array = NDArray[Any]
FeatureExtractors = Mapping[str, tuple[str, Extract]]
"""Resizer and function of each feature network, the leading one first."""


@dataclass(frozen=True)
class Samples:
    """What one generator made, in data space like `train.npy`: with its weights and with their average.

    finite: whether the losses of the training were; images hide what is not a number. labels (N,) int64: the classes
    that a conditional generator was asked for.
    """

    raw: Array
    ema: Array
    finite: bool = True
    labels: Array | None = None


@dataclass(frozen=True)
class Measurement:
    """Values of one set of samples, None where there is no finite one, and its share of each class.

    compared: the shares of those samples alone that the values are of, as many as the baseline has.
    """

    values: Mapping[str, MetricValue]
    shares: list[float | None] = field(default_factory=list)
    compared: list[float | None] = field(default_factory=list)

    def value(self, name: str) -> float | None:
        return self.values[name].value if name in self.values else None

    @property
    def all_missing(self) -> bool:
        """Whether no metric has a value, as of samples that are not finite."""
        return all(value.value is None for value in self.values.values())


@dataclass(frozen=True)
class View:
    """What the samples are given to metrics as. suffix: of the names, where another extractor is the first."""

    inputs: Inputs
    resizer: str = "none"
    suffix: str = ""

    @property
    def metrics(self) -> list[tuple[Metric, list[MetricSpec]]]:
        """The metrics for these inputs, and their specs under the names that they have here."""
        suited = [metric for metric in metrics() if metric.suits(self.inputs.kind, self.inputs.params)]
        return [(metric, [self._named(spec) for spec in metric.specs(self.inputs)]) for metric in suited]

    def _named(self, spec: MetricSpec) -> MetricSpec:
        if not self.suffix:
            return spec
        name, label = f"{spec.name}_{self.suffix}", f"{spec.label}, {self.suffix}"
        return replace(spec, name=name, label=label, in_main_table=False, quick=False)

    def measure(self, generated: Any, quick: bool) -> dict[str, MetricValue]:
        found = dict[str, MetricValue]()
        for metric, specs in self.metrics:
            if any(spec.quick for spec in specs) or (specs and not quick):
                PROGRESS.what = ", ".join(spec.name for spec in specs)
                values = metric.measure(generated, self.inputs)
                plain = [spec.name for spec in metric.specs(self.inputs)]
                found |= {spec.name: _finite(values[name]) for spec, name in zip(specs, plain, strict=True)}
        return found


class Reference:
    """The test split, at most `max_samples` of it, and what is known of it once and for all.

    extractors: those that images are compared in. classify: of the classes, None where images have none; where its
    `extract` is that of an extractor, it reads each sample once. folder: of what is computed once; stored: whether it
    is there already. device: where torch computes.

    specs: every metric by its name in files, in the order in which they are shown, and the view that it is of.
    real_shares (K,): of the classes or known modes; empty where the data has none. Raises UserError where there are
    fewer real samples than are needed, or a file is missing or broken.
    """

    def __init__(
        self,
        data: PreparedDataset,
        parameters: EvaluateParams,
        extractors: FeatureExtractors,
        classify: Classifying | None,
        folder: Path,
        *,
        stored: bool,
        device: str = "cpu",
    ) -> None:
        self.data, self.parameters = data, parameters
        self._extractors, self._classify = (extractors, classify) if data.form == "images" else ({}, None)
        self._folder, self._stored = folder, stored
        self._device = "cpu" if device == "mps" else device  # MPS has no float64
        self.real: Array = self.choose(data.test, parameters.max_samples, "test")
        parameters.check_count(len(self.real), "real samples", data.form)
        # the draws of the baseline are each at most half of it
        parameters.check_count(len(data.train) // 2, "samples of half the train split", data.form)
        self.real_shares = _real_shares(data, self._classify is not None)
        self.views = {f"{view.inputs.kind}-{view.inputs.source}": view for view in self._views()}
        self.specs = {
            spec.name: (view, spec) for view in self.views.values() for _, specs in view.metrics for spec in specs
        }

    def _views(self) -> Iterator[View]:
        if self.data.form == "points":
            yield View(self._inputs("points", "none", self.real, self.data.train))
        for name, (resizer, extract) in self._extractors.items():
            is_first = name == next(iter(self._extractors))
            features = self._inputs("features", name, extract=extract)
            yield View(features, resizer, "" if is_first else name)
            if self._classify and extract is self._classify.extract and not self.data.base:
                labels = self.choose(self.data.test_labels, self.parameters.max_samples, "test")
                yield View(self._inputs("labelled", name, Labelled(features.real, self._tensor(labels))), resizer)
            if isinstance(extract, Classifying):
                yield View(self._inputs("probabilities", name, self.real_shares), resizer)
            if is_first and self._classify:
                yield View(self._inputs("probabilities", "classifier", self.real_shares))
            if is_first:
                yield View(self._inputs("images", "pixels", self.real, self.data.train))

    def _inputs(
        self, kind: Kind, source: str, real: Any = None, train: Any = None, extract: Extract | None = None
    ) -> Inputs:
        """Inputs of these samples, or of their features, with what depends on them alone from the file or into it."""
        path = self._folder / f"{kind}-{source}.npz"
        kept = _read(path) if self._stored else {}
        PROGRESS.whose, PROGRESS.what = "real images", f"features of {source}"
        if extract:
            known = (
                [kept.pop(name) for name in ("real", "train")] if kept else map(extract, (self.real, self.data.train))
            )
            real, train = (torch.from_numpy(features).to(self._device) for features in known)
        inputs = Inputs(kind, source, real, train, self.parameters, self.data, self.random, self._device)
        if self._stored:
            inputs.stats.update({name: torch.from_numpy(value).to(self._device) for name, value in kept.items()})
            return inputs
        for metric in metrics():
            if metric.suits(kind, self.parameters):
                PROGRESS.what = type(metric).__module__.rpartition(".")[2]
                inputs.stats.update(metric.prepare(inputs))
        features = {"real": real, "train": train} if extract else {}
        with atomic_write(path) as file:
            np.savez(file, **{name: value.cpu().numpy() for name, value in (features | inputs.stats).items()})
        return inputs

    def train_features(self, places: Array) -> dict[str, Array]:
        """The features of training images at these places, by network."""
        return {name: self.views[f"features-{name}"].inputs.train[places].cpu().numpy() for name in self._extractors}

    def _tensor(self, array: Array) -> torch.Tensor:
        return torch.from_numpy(array).to(self._device)

    def measure(
        self,
        samples: Array,
        generated: int,
        quick: bool = False,
        features: Mapping[str, Array] | None = None,
        labels: Array | None = None,
    ) -> Measurement:
        """Metrics of `generated` of the samples (N, ...), shares of classes over all; quick: those of snapshots alone.

        features: of all samples (N, d), by network, where they are known. labels (N,) int64: the classes that they were
        asked for; without them there are no metrics within classes.
        Samples that are not all finite, as a broken generator makes, have no values: a metric of the rest would flatter
        it. Raises UserError where shape or type are not those of the data, or there are too few samples.
        """
        if samples.shape[1:] != self.data.shape:
            raise UserError(f"Samples have the shape {samples.shape[1:]} and the data has {self.data.shape}.")
        self.parameters.check_count(min(generated, len(samples)), "generated samples", self.data.form)
        if len(samples) < generated:
            raise UserError(f"There are {len(samples)} samples to compare: {generated} are asked for.")
        if not np.isfinite(samples).all():
            return self.all_missing()
        if samples.dtype != self.data.train.dtype:
            raise UserError(f"Samples have the type {samples.dtype} and the data has {self.data.train.dtype}.")
        chosen = self.choose(np.arange(len(samples)), generated, "samples")
        known, probabilities = dict(features or {}), None
        PROGRESS.what = "features"
        if self._classify:
            same = [name for name, (_, extract) in self._extractors.items() if extract is self._classify.extract]
            seen = next((known[name] for name in same if name in known), None)
            seen = self._classify.extract(samples) if seen is None else seen
            known |= dict.fromkeys(same, seen)
            probabilities = self._classify.probabilities(seen)
        compared = {name: of[chosen] for name, of in known.items()}
        found = dict[str, MetricValue]()
        for view, given in self._given(
            samples[chosen], compared, None if probabilities is None else probabilities[chosen], quick
        ):
            found |= view.measure(given, quick)
        within = self.views.get("labelled-classifier")
        if within and labels is not None and probabilities is not None:
            named = probabilities[chosen].argmax(axis=1)
            parts = (compared["classifier"], labels[chosen], named)
            found |= within.measure(Labelled(*map(self._tensor, parts)), quick)
        ordered = {name: found[name] for name in self.specs if name in found}
        shares = [
            self._shares(some, probabilities, places)
            for some, places in ((samples, slice(None)), (samples[chosen], chosen))
        ]
        return Measurement(ordered, *shares)

    def _given(
        self, compared: Array, known: Mapping[str, Array], probabilities: Array | None, quick: bool
    ) -> Iterator[tuple[View, Any]]:
        """The samples as each view has them."""
        if self.data.form == "points":
            yield self.views["points-none"], compared
        for name, (_, extract) in self._extractors.items():
            view = self.views[f"features-{name}"]
            if quick and view.suffix:
                continue
            PROGRESS.what = f"features of {name}"
            features = known[name] if name in known else extract(compared)
            yield view, torch.from_numpy(features).to(self._device)
            if isinstance(extract, Classifying):
                yield self.views[f"probabilities-{name}"], extract.probabilities(features)
        if probabilities is not None:
            yield self.views["probabilities-classifier"], probabilities
        if self.data.form == "images":
            yield self.views["images-pixels"], compared

    def _shares(self, samples: Array, probabilities: Array | None, places: Any) -> list[float | None]:
        """The share of each class or known mode."""
        if probabilities is not None:
            return list(class_shares(probabilities[places].argmax(axis=1), len(self.real_shares)).tolist())
        if not len(self.real_shares):
            return []
        centres, std = self.data.modes, self.data.mode_std
        assert centres is not None
        assert std is not None
        return list(modes(samples, centres=centres, std=std).shares.tolist())

    def all_missing(self) -> Measurement:
        """What samples get that are not finite."""
        shares: list[float | None] = [None] * len(self.real_shares)
        return Measurement(dict.fromkeys(self.specs, MetricValue(None)), shares, shares)

    def classes_present(self, shares: list[float | None]) -> tuple[int, int] | None:
        """How many classes or modes samples with such shares are in, out of those that real samples are in.

        None where there are no classes, or the samples are not finite.
        """
        if not shares or any(share is None for share in shares):
            return None
        known = self.real_shares > 0
        found = (
            np.array(shares, dtype=np.float64) >= self.parameters.status_thresholds.class_presence * self.real_shares
        )
        return int((found & known).sum()), int(known.sum())

    def noise(self, count: int) -> Array:
        """So much uniform noise of the form of the data; of points in a box about theirs with sides twice as long."""
        rng, train = self.random("noise"), self.data.train
        if self.data.form == "images":
            return rng.integers(256, size=(count, *self.data.shape), dtype=np.uint8)
        low, high = train.min(axis=0), train.max(axis=0)
        margin = (high - low) / 2
        return rng.uniform(low - margin, high + margin, size=(count, *self.data.shape)).astype(train.dtype)

    def protocol(self, generated: int) -> dict[str, Any]:
        """What the metrics say of how so many generated samples are compared."""
        found: dict[str, Any] = {}
        for view in self.views.values():
            for metric, specs in view.metrics:
                found |= metric.protocol(view.inputs, generated) if specs else {}
        return found

    def choose(self, array: Array, count: int, purpose: str) -> Array:
        """The same random `count` entries for the same length and purpose, in order; all if there are no more."""
        return choose(array, count, self.random(purpose))

    def random(self, purpose: str) -> np.random.Generator:
        """A generator of its own for each purpose, so that one draw never shifts another."""
        return np.random.default_rng([self.parameters.seed, *purpose.encode()])


def _read(path: Path) -> dict[str, Array]:
    """Raises UserError where the file is missing or broken."""
    try:
        # numpy leaves a broken file open that it opened itself
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, EOFError, AttributeError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        reason = str(error).split(". ")[0]
        raise UserError(f"{path} can't be read ({reason}): delete it and run `dvc repro`.") from None


def _finite(value: float | MetricValue) -> MetricValue:
    found = value if isinstance(value, MetricValue) else MetricValue(value)
    return found if found.value is None or math.isfinite(found.value) else MetricValue(None)


def _real_shares(data: PreparedDataset, classified: bool) -> NDArray[np.float64]:
    """The share of each class (K,) in the test split, or of each known mode of points.

    Where each channel is an image of its own, the product of the channels' shares: of a thousand classes a test split
    of a few thousand images misses some, and the divergence from it would be infinite for an exact sampler.
    """
    if data.form == "points":
        count = 0 if data.modes is None or data.mode_std is None else len(data.modes)
        return np.full(count, 1 / max(count, 1))
    if not classified:
        return np.empty(0)
    if not data.base:
        return class_shares(data.test_labels, data.classes)
    shares = np.ones(1)
    for channel in reversed(range(data.shape[0])):  # the first channel is the first digit of the label
        digits = data.test_labels // data.base**channel % data.base
        shares = np.multiply.outer(shares, class_shares(digits, data.base)).ravel()
    return shares
