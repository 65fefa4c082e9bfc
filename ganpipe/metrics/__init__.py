"""Metrics: one file each, which holds a pure function and the `Metric` that puts it into the evaluation.

A function takes samples as rows, tensors on any device or arrays, and returns numbers; it knows no network, no file and
no stage. Where two sets meet, `generated` and `real` are passed by name: a metric whose two arguments can be swapped
unnoticed is wrong sooner or later.

The evaluation finds every `Metric` here by itself (`metrics()`): a new one is a new file, a row of parameters under
`evaluate` in params.yaml where it has any, and a test case.
"""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from ganpipe.parts import Frozen, kinds

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from ganpipe.prepared import PreparedDataset

Better = Literal["lower", "higher"]
Kind = Literal["features", "probabilities", "labelled", "images", "points"]
"""What samples are given to a metric as, each (N, ...):

features of a network, a float32 tensor (N, d); probabilities of the classes, float64 (N, K); labelled, features with
the classes that were asked for (`ganpipe.metrics.within_classes`); images, uint8 (N, C, H, W); points, float32 (N, D).
"""


@dataclass(frozen=True)
class MetricSpec:
    """One number. name: its key in files. label: what a page calls it, with its parameters. better: which way is good.

    in_main_table: shown in the first table, not among the others. quick: cheap enough for every snapshot of a training.
    baseline: what an exact sampler gets by definition, where samples of the train split can't say it. max_samples:
    samples on each side, where fewer than all are compared.
    """

    name: str
    label: str
    better: Better | None
    in_main_table: bool = False
    quick: bool = False
    baseline: float | None = None
    max_samples: int | None = None


@dataclass(frozen=True)
class MetricValue:
    """error: its standard error for these samples, where the metric has one.

    note: why there is no value, where it was not computed; else what a reader of the value has to know, if anything.
    """

    value: float | None
    error: float | None = None
    note: str | None = None


Values = Mapping[str, float | MetricValue]
"""By the names of the specs."""


@dataclass(frozen=True)
class Inputs:
    """What generated samples of one kind are compared with.

    source: the network's name for features and probabilities, "pixels" for images, "none" for points. real (M, ...):
    test samples, of probabilities the shares of the classes (K,). train (T, ...): all samples of the train split, None
    for probabilities. params: `evaluate` of params.yaml. data: sizes, classes and modes. random: a generator of its own
    for each purpose, the same whenever it is asked. device: where torch computes. stats: what `prepare` of all metrics
    of this kind made.
    """

    kind: Kind
    source: str
    real: Any
    train: Any
    params: Any
    data: PreparedDataset
    random: Callable[[str], np.random.Generator]
    device: str = "cpu"
    stats: dict[str, Tensor] = field(default_factory=dict)


class Metric(ABC):
    """One or more numbers that are computed together.

    kinds: what it can be given. optional: those of which it is computed only where `evaluate.optional_metrics` names
    its module, as it costs too much for large images. order: its place in tables, the lower the earlier. parameters:
    its keys under `evaluate` in params.yaml, where it has any.
    """

    kinds: ClassVar[tuple[Kind, ...]]
    optional: ClassVar[tuple[Kind, ...]] = ()
    order: ClassVar[int] = 100
    parameters: ClassVar[type[Frozen] | None] = None

    def suits(self, kind: Kind, params: Any) -> bool:
        """Whether it is computed of this kind."""
        asked = kind not in self.optional or type(self).__module__.rpartition(".")[2] in params.optional_metrics
        return kind in self.kinds and asked

    @abstractmethod
    def specs(self, inputs: Inputs) -> Sequence[MetricSpec]:
        """Those that make sense with these inputs, maybe none."""

    @abstractmethod
    def measure(self, generated: Any, inputs: Inputs) -> Values:
        """The values for finite generated samples of the same kind as the inputs."""

    def min_samples(self, params: Any) -> tuple[int, str]:
        """How many samples each side needs at least, and the key under `evaluate` that asks for so many, or ""."""
        return 1, ""

    def prepare(self, inputs: Inputs) -> dict[str, Tensor]:
        """What depends on the real samples alone: computed once and kept in `inputs.stats`, under names of its own."""
        return {}

    def protocol(self, inputs: Inputs, generated: int) -> dict[str, Any]:
        """What a page says of how so many generated samples were compared."""
        return inputs.params.model_dump(include=set(self.parameters.model_fields)) if self.parameters else {}


def unit_pixels(images: NDArray[Any], device: str) -> Tensor:
    """Images uint8 (N, C, H, W) as float32 (N, C H W) on the device, from 0 to 1."""
    import torch

    return torch.from_numpy(images).to(device).flatten(1).float() / 255


def choose(array: NDArray[Any], count: int, rng: np.random.Generator) -> NDArray[Any]:
    """Random `count` of the entries, in order; all if there are no more."""
    return array if count >= len(array) else array[sorted(rng.permutation(len(array))[:count])]


@cache
def metrics() -> tuple[Metric, ...]:
    """One of each `Metric` that a public module of this package defines, in the order of tables."""
    found = []
    for name in kinds(__name__):
        module = importlib.import_module(f"{__name__}.{name}")
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, Metric) and value.__module__ == module.__name__:
                found.append(value())
    return tuple(sorted(found, key=lambda metric: metric.order))
