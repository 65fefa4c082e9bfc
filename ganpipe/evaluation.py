"""Figures of merit of one row over its seeds: the content of `evals/<data>/<row>.json` (see CONTRIBUTING.md).

Every generator is measured the same way, and so are two that bracket them: the floor is as many samples of
the train split, what a perfect sampler would get, and the ceiling as many of uniform noise. All random
choices come from generators of their own, seeded by the parameters, so every row and seed is measured on the
same places in its file. Importing this module loads neither torch nor scipy: what turns images into features
is handed in.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ganpipe.errors import BadInput
from ganpipe.metrics.class_coverage import class_coverage, class_shares
from ganpipe.metrics.frechet import Moments, frechet
from ganpipe.metrics.modes import modes
from ganpipe.metrics.precision_recall import Manifold, compare
from ganpipe.metrics.wasserstein import transport
from ganpipe.params import Count, Frozen, Seed
from ganpipe.prepared import Prepared

Array = NDArray[Any]
Features = Callable[[Array], tuple[Array, NDArray[np.int64]]]
"""A classifier: images uint8 (N, C, H, W) to features (N, d) and predicted classes (N,)."""


class EvaluateParams(Frozen):
    """How samples are compared with real ones.

    cap: at most so many samples on each side; at least 2, as a covariance needs. neighbours: k of precision
    and recall. coverage: a class is covered from this share of the samples on, 0 < coverage <= 1. transport:
    at most so many points on each side of the Wasserstein distance, whose cost grows with their product.
    seed: of the choice of samples and of the noise.
    """

    cap: Annotated[int, Field(ge=2)]
    neighbours: Count
    coverage: Annotated[float, Field(gt=0, le=1)]
    transport: Count
    seed: Seed


@dataclass(frozen=True)
class Samples:
    """What one seed's generator made, in data space like `train.npy`: with its weights and with their
    average."""

    raw: Array
    ema: Array


@dataclass(frozen=True)
class Figure:
    """One figure of merit. label: what a page calls it, with its parameters. better: which way is good."""

    label: str
    better: Literal["lower", "higher"] | None


@dataclass(frozen=True)
class Measured:
    """Figures of one set of samples, None where there is no finite value, and its share of each class."""

    figures: Mapping[str, float | None]
    shares: list[float | None]


@dataclass(frozen=True)
class Bounds:
    """What real data (floor) and uniform noise (ceiling) get in one figure."""

    floor: float | None
    ceiling: float | None


class Reference(ABC):
    """The real side of every comparison, computed once: the test split, at most `cap` of it.

    figures: by name, in the order in which they are shown. classes: how many classes or modes the shares are
    over, 0 where the data has none. Raises BadInput where there are fewer than `fewest` real samples.
    """

    features: str
    figures: dict[str, Figure]
    classes: int

    def __init__(self, data: Prepared, parameters: EvaluateParams, fewest: int) -> None:
        self.data, self.parameters, self.fewest = data, parameters, fewest
        self.real: Array = self.choose(data.test, parameters.cap, "test")
        self._enough(len(self.real), "real")

    @abstractmethod
    def noise(self, count: int) -> Array:
        """So much uniform noise of the form of the data."""

    @abstractmethod
    def settings(self, generated: int) -> dict[str, int | float]:
        """The parameters that matter to these figures, with so many generated samples."""

    @abstractmethod
    def _measure(self, samples: Array, chosen: NDArray[np.int64]) -> Measured:
        """Figures of the `chosen` samples, shares of classes over all; all are finite and of the data's
        type."""

    def measure(self, samples: Array, generated: int) -> Measured:
        """Figures of `generated` of the samples (N, ...), shares of classes over all.

        Samples that are not all finite, as a diverged generator makes, have no figures: a figure of the rest
        would flatter it. Raises BadInput where shape or type are not those of the data, or there are too few
        samples.
        """
        if samples.shape[1:] != self.data.shape:
            raise BadInput(f"Samples have the shape {samples.shape[1:]} and the data has {self.data.shape}.")
        self._enough(min(generated, len(samples)), "generated")
        if len(samples) < generated:
            raise BadInput(f"There are {len(samples)} samples to compare: {generated} are asked for.")
        if not np.isfinite(samples).all():
            return Measured(dict.fromkeys(self.figures), [None] * self.classes)
        if samples.dtype != self.data.train.dtype:
            raise BadInput(f"Samples have the type {samples.dtype} and the data has {self.data.train.dtype}.")
        measured = self._measure(samples, self.choose(np.arange(len(samples)), generated, "samples"))
        finite = {k: v if v is not None and math.isfinite(v) else None for k, v in measured.figures.items()}
        return Measured(finite, measured.shares)

    def choose(self, array: Array, count: int, purpose: str) -> Array:
        """The same random `count` entries for the same length and purpose, in order; all if there are no
        more."""
        if count >= len(array):
            return array
        return array[np.sort(self.random(purpose).permutation(len(array))[:count])]

    def random(self, purpose: str) -> np.random.Generator:
        """A generator of its own for each purpose, so that one draw never shifts another."""
        return np.random.default_rng([self.parameters.seed, *purpose.encode()])

    def _enough(self, count: int, what: str) -> None:
        if count < self.fewest:
            raise BadInput(f"There are {count} {what} samples to compare: at least {self.fewest} are needed.")


class ImageReference(Reference):
    """Images, compared in the features and by the predictions of a classifier trained on the same data."""

    features = "classifier"

    def __init__(self, data: Prepared, parameters: EvaluateParams, features: Features) -> None:
        super().__init__(data, parameters, fewest=max(2, parameters.neighbours + 1))
        k, share = parameters.neighbours, parameters.coverage
        self.classes = data.classes
        self.figures = {
            "frechet": Figure("Fréchet distance", "lower"),
            "precision": Figure(f"Precision (k = {k})", "higher"),
            "recall": Figure(f"Recall (k = {k})", "higher"),
            "classes_covered": Figure(f"Classes with at least {share:.3g} of the samples", "higher"),
            "smallest_class": Figure("Share of the smallest class", "higher"),
            "class_kl": Figure("KL divergence of the classes from the real ones", "lower"),
        }
        self._features = features
        self._shares = class_shares(data.test_labels, data.classes)
        array, _ = features(self.real)
        self._moments = Moments.of(array, "real")
        self._manifold = Manifold.of(array, neighbours=k, name="real")

    def noise(self, count: int) -> Array:
        return self.random("noise").integers(256, size=(count, *self.data.shape), dtype=np.uint8)

    def settings(self, generated: int) -> dict[str, int | float]:
        return {"neighbours": self.parameters.neighbours, "coverage": self.parameters.coverage}

    def _measure(self, samples: Array, chosen: NDArray[np.int64]) -> Measured:
        array, predicted = self._features(samples)
        shares = class_shares(predicted, self.classes)
        coverage = class_coverage(generated=shares, real=self._shares, threshold=self.parameters.coverage)
        manifold = Manifold.of(array[chosen], neighbours=self.parameters.neighbours, name="generated")
        both = compare(generated=manifold, real=self._manifold)
        figures = {
            "frechet": frechet(Moments.of(array[chosen], "generated"), self._moments),
            "precision": both.precision,
            "recall": both.recall,
            "classes_covered": coverage.covered,
            "smallest_class": coverage.smallest,
            "class_kl": coverage.kl,
        }
        return Measured(figures, shares.tolist())


class PointReference(Reference):
    """Points, compared with the known modes, where there are any, and by optimal transport."""

    features = "points"

    def __init__(self, data: Prepared, parameters: EvaluateParams) -> None:
        super().__init__(data, parameters, fewest=1)
        self._targets = self.choose(self.real, parameters.transport, "real transport")
        self.classes = 0 if data.modes is None or data.mode_std is None else len(data.modes)
        self.figures = {"wasserstein": Figure("Wasserstein-1 distance", "lower")}
        if self.classes:
            self.figures = {
                "modes": Figure(f"Modes of {self.classes} with a sample of high quality", "higher"),
                "high_quality": Figure("Share of samples of high quality (below 3 standard deviations)", "higher"),
                "reverse_kl": Figure("Reverse KL divergence of the modes from uniform", "lower"),
            } | self.figures

    def noise(self, count: int) -> Array:
        low, high = self.data.train.min(axis=0), self.data.train.max(axis=0)
        margin = (high - low) / 2  # a box about the same centre with sides twice as long
        drawn = self.random("noise").uniform(low - margin, high + margin, size=(count, *self.data.shape))
        return drawn.astype(self.data.train.dtype)

    def settings(self, generated: int) -> dict[str, int | float]:
        most = self.parameters.transport
        return {"transport_generated": min(generated, most), "transport_real": len(self._targets)}

    def _measure(self, samples: Array, chosen: NDArray[np.int64]) -> Measured:
        compared = samples[chosen]
        moved = self.choose(compared, self.parameters.transport, "transport")
        distance = {"wasserstein": transport(generated=moved, real=self._targets).distance}
        centres, std = self.data.modes, self.data.mode_std
        if centres is None or std is None:
            return Measured(distance, [])
        found = modes(compared, centres=centres, std=std)
        figures = {"modes": found.covered, "high_quality": found.high_quality, "reverse_kl": found.reverse_kl}
        return Measured(figures | distance, modes(samples, centres=centres, std=std).shares.tolist())


def reference(data: Prepared, parameters: EvaluateParams, features: Features | None) -> Reference:
    """The real side for this data. `features`: the classifier, which images need and points do without.

    Raises BadInput where images come without one, or the test split is too small.
    """
    if data.form == "points":
        return PointReference(data, parameters)
    if features is None:
        raise BadInput("Images are compared in a classifier's features: train the classifier first.")
    return ImageReference(data, parameters, features)


def generated_count(real: Reference, samples: Mapping[int, Samples]) -> int:
    """How many generated samples are compared: what every file has, at most `cap` and the train split's size.

    The train split limits it because the floor has to be made from as many real samples.
    """
    return min(len(real.data.train), real.parameters.cap, _smallest(samples))


def bounds(real: Reference, generated: int) -> dict[str, Bounds]:
    """Floor and ceiling of every figure for so many samples. They depend on data, classifier and parameters
    only.

    Raises BadInput where the train split has fewer samples.
    """
    floor = real.measure(real.choose(real.data.train, generated, "floor"), generated).figures
    ceiling = real.measure(real.noise(generated), generated).figures
    return {name: Bounds(floor[name], ceiling[name]) for name in real.figures}


def evaluate(
    real: Reference,
    samples: Mapping[int, Samples],
    *,
    row: str,
    title: str,
    data: str,
    limits: Mapping[str, Bounds] | None = None,
) -> dict[str, Any]:
    """The evaluation of a row from the samples of each seed, ready for JSON: every number is finite or None.

    data: the data set's name. limits: floor and ceiling, where `bounds` was already asked for
    `generated_count` samples. Raises BadInput where there is no seed or its samples are not like the data.
    """
    if not samples:
        raise BadInput(f"The row {row} has no seed to evaluate: name at least one under `seeds`.")
    count = generated_count(real, samples)
    raw, ema = [], []
    for seed, one in samples.items():
        try:
            raw.append(real.measure(one.raw, count))
            ema.append(real.measure(one.ema, count))
        except BadInput as error:
            raise BadInput(f"The row {row} cannot be evaluated with seed {seed}. {error}") from None
    limits = bounds(real, count) if limits is None else limits
    protocol = {
        "generated": count,
        "real": len(real.real),
        "split": "test",
        "features": real.features,
        "floor": "train split",
        "ceiling": "uniform noise",
        "class_samples": _smallest(samples),
        "seed": real.parameters.seed,
    }
    figures = {
        name: {
            "label": figure.label,
            "better": figure.better,
            "floor": limits[name].floor,
            "ceiling": limits[name].ceiling,
            "raw": [measured.figures[name] for measured in raw],
            "ema": [measured.figures[name] for measured in ema],
        }
        for name, figure in real.figures.items()
    }
    classes = None
    if real.classes:
        classes = {
            "names": [str(index) for index in range(real.classes)],
            "real": class_shares(real.data.test_labels, real.classes).tolist(),
            "raw": [measured.shares for measured in raw],
            "ema": [measured.shares for measured in ema],
        }
    head = _head(row, title, data, None, list(samples))
    return head | {"protocol": protocol | real.settings(count), "figures": figures, "classes": classes}


def not_applicable(*, row: str, title: str, data: str, reason: str, seeds: list[int]) -> dict[str, Any]:
    """The evaluation of a row that makes no sense on the data: the reason and no figure."""
    return _head(row, title, data, reason, seeds) | {"protocol": {}, "figures": {}, "classes": None}


def _head(row: str, title: str, data: str, reason: str | None, seeds: list[int]) -> dict[str, Any]:
    return {"row": row, "title": title, "data": data, "not_applicable": reason, "seeds": seeds}


def _smallest(samples: Mapping[int, Samples]) -> int:
    return min(len(array) for one in samples.values() for array in (one.raw, one.ema))
