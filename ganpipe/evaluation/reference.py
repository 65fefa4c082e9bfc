"""The real side of every comparison, and what a comparison gives."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ganpipe.errors import BadInput
from ganpipe.evaluation.parameters import EvaluateParams, Needs, enough
from ganpipe.prepared import PreparedDataset

Array = NDArray[Any]
Better = Literal["lower", "higher"]

COPYING = "Copying test: z of distances to training, below \u22121.645 significantly nearer than test {} are"
"""What the pages call Meehan's C_T; the floor's draws are training samples, so what is exact is known by definition."""


@dataclass(frozen=True)
class Samples:
    """What one generator made, in data space like `train.npy`: with its weights and with their average.

    finite: whether the training's figures were; images hide what is not a number.
    """

    raw: Array
    ema: Array
    finite: bool = True


@dataclass(frozen=True)
class Figure:
    """One figure of merit. label: what a page calls it, with its parameters. better: which way is good.

    network, resizer: what the samples go through first. leads: it stands in the first table. floor: what an exact
    sampler gets by definition, where the train split can't say it. most: samples on each side, where fewer than all
    that are compared.
    """

    label: str
    better: Better | None
    network: str = "none"
    resizer: str = "none"
    leads: bool = True
    floor: float | None = None
    most: int | None = None


@dataclass(frozen=True)
class Value:
    """error: its standard error for these samples, where the figure has one.

    note: why there is no value, where it was not computed; else what a reader of the value has to know, if anything.
    """

    value: float | None
    error: float | None = None
    note: str | None = None


@dataclass(frozen=True)
class Measured:
    """Figures of one set of samples, None where there is no finite value, and its share of each class.

    compared: the shares of those samples alone that the figures are of, as many as the floor has.
    """

    figures: Mapping[str, Value]
    shares: list[float | None] = field(default_factory=list)
    compared: list[float | None] = field(default_factory=list)

    def value(self, name: str) -> float | None:
        return self.figures[name].value if name in self.figures else None

    @property
    def nothing(self) -> bool:
        """Whether no figure has a value, as of samples that are not finite."""
        return all(value.value is None for value in self.figures.values())


def random(purpose: str, seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, *purpose.encode()])


def choose(array: Array, count: int, purpose: str, seed: int) -> Array:
    if count >= len(array):
        return array
    return array[np.sort(random(purpose, seed).permutation(len(array))[:count])]


class Reference(ABC):
    """The test split, at most `cap` of it, and what is known of it once and for all.

    figures: by name, in the order in which they are shown. quick: those that are cheap enough for every moment of a
    training. classes: how many classes or modes the shares are over, 0 where the data has none. Raises BadInput where
    there are fewer real samples than are needed.
    """

    figures: dict[str, Figure]
    quick: tuple[str, ...]
    classes: int
    real_shares: NDArray[np.float64]

    def __init__(self, data: PreparedDataset, parameters: EvaluateParams, needs: Needs) -> None:
        self.data, self.parameters, self.needs = data, parameters, needs
        self.real: Array = self.choose(data.test, parameters.cap, "test")
        enough(len(self.real), "real samples", needs)
        # the floor's draws are each at most half of it
        enough(len(data.train) // 2, "samples of half the train split", needs)

    @abstractmethod
    def noise(self, count: int) -> Array:
        """So much uniform noise of the form of the data."""

    @abstractmethod
    def settings(self, generated: int) -> dict[str, int | float]:
        """The parameters that matter to these figures, with so many generated samples."""

    @abstractmethod
    def _measure(self, samples: Array, chosen: NDArray[np.int64], quick: bool) -> Measured:
        """Figures of the `chosen` samples, shares of classes over all; all are finite and of the data's type."""

    def measure(self, samples: Array, generated: int, quick: bool = False) -> Measured:
        """Figures of `generated` of the samples (N, ...), shares of classes over all.

        Samples that are not all finite, as a broken generator makes, have no figures: a figure of the rest would
        flatter it. Raises BadInput where shape or type are not those of the data, or there are too few samples.
        """
        if samples.shape[1:] != self.data.shape:
            raise BadInput(f"Samples have the shape {samples.shape[1:]} and the data has {self.data.shape}.")
        enough(min(generated, len(samples)), "generated samples", self.needs)
        if len(samples) < generated:
            raise BadInput(f"There are {len(samples)} samples to compare: {generated} are asked for.")
        if not np.isfinite(samples).all():
            return self.nothing()
        if samples.dtype != self.data.train.dtype:
            raise BadInput(f"Samples have the type {samples.dtype} and the data has {self.data.train.dtype}.")
        measured = self._measure(samples, self.choose(np.arange(len(samples)), generated, "samples"), quick)
        found = {name: measured.figures[name] for name in self.figures if name in measured.figures}
        finite = {name: _finite(value) for name, value in found.items()}
        return Measured(finite, measured.shares, measured.compared)

    def nothing(self) -> Measured:
        """What samples get that are not finite."""
        shares: list[float | None] = [None] * self.classes
        return Measured(dict.fromkeys(self.figures, Value(None)), shares, shares)

    def there(self, shares: list[float | None]) -> tuple[int, int] | None:
        """How many classes or modes samples with such shares are in, out of those that real samples are in.

        None where there are no classes, or the samples are not finite.
        """
        if not shares or any(share is None for share in shares):
            return None
        known = self.real_shares > 0
        found = np.array(shares, dtype=np.float64) >= self.parameters.collapse.present * self.real_shares
        return int((found & known).sum()), int(known.sum())

    def choose(self, array: Array, count: int, purpose: str) -> Array:
        """The same random `count` entries for the same length and purpose, in order; all if there are no more."""
        return choose(array, count, purpose, self.parameters.seed)

    def random(self, purpose: str) -> np.random.Generator:
        """A generator of its own for each purpose, so that one draw never shifts another."""
        return random(purpose, self.parameters.seed)


def _finite(value: Value) -> Value:
    return value if value.value is None or math.isfinite(value.value) else Value(None)
