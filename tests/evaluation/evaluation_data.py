"""Small data of known classes and modes, and a classifier of it, for the tests of the evaluation."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganpipe.evaluation import EvaluateParams, Samples, evaluate, reference
from ganpipe.prepared import Prepared

Array = NDArray[Any]
CLASSES = 4
IMAGE_FIGURES = ["frechet", "precision", "recall", "classes_covered", "smallest_class", "class_kl"]
POINT_FIGURES = ["modes", "high_quality", "reverse_kl", "wasserstein"]
PATTERNS = np.random.default_rng(99).integers(40, 216, size=(CLASSES, 1, 6, 6))
PROJECTION = np.random.default_rng(98).normal(size=(36, 5)).astype(np.float32) / 255
CENTRES = np.array([[-2.0, 0.0], [0.0, 1.0], [2.0, 0.0]])


def images(labels: Array, seed: int) -> Array:
    """A noisy copy of each label's pattern."""
    noise = np.random.default_rng(seed).integers(-40, 40, size=(len(labels), 1, 6, 6))
    return (PATTERNS[labels] + noise).astype(np.uint8)


def points(labels: Array, seed: int, std: float = 0.1) -> Array:
    noise = np.random.default_rng(seed).normal(size=(len(labels), 2))
    return (CENTRES[labels] + std * noise).astype(np.float32)


class Classifier:
    """The nearest pattern, and five features. Keeps how many images it was shown each time."""

    def __init__(self) -> None:
        self.calls: list[int] = []

    def __call__(self, batch: Array) -> tuple[Array, NDArray[np.int64]]:
        assert batch.dtype == np.uint8
        self.calls.append(len(batch))
        flat = batch.reshape(len(batch), -1)
        gaps = ((flat[:, None].astype(np.int64) - PATTERNS.reshape(CLASSES, -1)) ** 2).sum(axis=2)
        return flat.astype(np.float32) @ PROJECTION, gaps.argmin(axis=1)


def parameters(**changes: Any) -> EvaluateParams:
    values = {"cap": 1000, "neighbours": 3, "coverage": 0.02, "transport": 100, "seed": 0}
    return EvaluateParams(**(values | changes))


def balanced(count: int, classes: int = CLASSES) -> Array:
    return np.arange(count) % classes


def prepared_images() -> Prepared:
    """A fixture: images of each class."""
    train, test = balanced(300), balanced(200)
    return Prepared(images(train, 1), train, images(test, 2), test, classes=CLASSES)


def prepared_points() -> Prepared:
    """A fixture: points around each mode."""
    train, test = balanced(300, 3), balanced(200, 3)
    return Prepared(points(train, 1), train, points(test, 2), test, classes=3, scale=1.5, modes=CENTRES, mode_std=0.1)


def run(data: Prepared, samples: dict[int, Samples], **changes: Any) -> dict[str, Any]:
    """Evaluated, and through JSON as a stage writes it."""
    classifier = Classifier() if data.form == "images" else None
    found = evaluate(
        reference(data, parameters(**changes), classifier), samples, row="lsgan", title="LSGAN", data="toy"
    )
    loaded = json.loads(json.dumps(found, allow_nan=False))
    assert loaded == found  # nothing in it but what JSON holds
    return dict(loaded)


def both(array: Array) -> Samples:
    return Samples(raw=array, ema=array)
