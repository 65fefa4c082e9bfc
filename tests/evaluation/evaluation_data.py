"""Small data of known classes and modes, and networks that read it, for the tests of the evaluation."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganpipe.config.evaluation import EvaluateParams
from ganpipe.evaluation.evaluate import Trained, evaluate
from ganpipe.evaluation.extractors import Classifying
from ganpipe.evaluation.extractors.pixels import pixels
from ganpipe.evaluation.reference import FeatureExtractors, Reference, Samples
from ganpipe.prepared import PreparedDataset

Array = NDArray[Any]
CLASSES = 4
PATTERNS = np.random.default_rng(99).integers(40, 216, size=(CLASSES, 1, 6, 6))
PROJECTION = np.random.default_rng(98).normal(size=(36, 5)).astype(np.float32) / 255
CENTRES = np.array([[-2.0, 0.0], [0.0, 1.0], [2.0, 0.0]])
CLASS_FIGURES = ["classes_covered", "smallest_class", "class_kl"]
SPACE_FIGURES = [
    "frechet",
    "precision",
    "recall",
    "frechet_infinite",
    "kid",
    "density",
    "coverage",
    "memorization",
    "memorization_z",
]
PIXEL_FIGURES = ["sliced_wasserstein", "sharpness", "parzen"]
IMAGE_FIGURES = [*SPACE_FIGURES, *CLASS_FIGURES, "classifier_score", *PIXEL_FIGURES]
MODE_FIGURES = ["modes", "high_quality", "reverse_kl"]
DISTANCES = ["wasserstein", "sliced_wasserstein", "memorization", "memorization_z"]
PARAMETERS: dict[str, Any] = {
    "feature_extractors": ["classifier"],
    "optional_metrics": ["parzen", "sliced_wasserstein"],
    "max_samples": 1000,
    "baseline_draws": 3,
    "precision_recall_k": 3,
    "density_coverage_k": 5,
    "kid": {"subsets": 4, "size": 60},
    "class_presence_threshold": 0.02,
    "inception_score_splits": 2,
    "sliced_wasserstein_projections": 20,
    "memorization_quantile": 0.01,
    "parzen_bandwidths": {"min": 0.1, "max": 1.0, "count": 10},
    "fid_infinity_points": 10,
    "wasserstein_max_points": 100,
    "status_thresholds": {
        "min_recall_ratio": 0.1,
        "min_class_fraction": 0.5,
        "class_presence": 0.1,
        "max_memorized_fraction": 0.5,
    },
    "seed": 0,
}


def images(labels: Array, seed: int) -> Array:
    """A noisy copy of each label's pattern."""
    noise = np.random.default_rng(seed).integers(-40, 40, size=(len(labels), 1, 6, 6))
    return (PATTERNS[labels] + noise).astype(np.uint8)


def points(labels: Array, seed: int, std: float = 0.1) -> Array:
    noise = np.random.default_rng(seed).normal(size=(len(labels), 2))
    return (CENTRES[labels] + std * noise).astype(np.float32)


class CountingExtractor:
    """Five features, and the nearest pattern as a class, nearly sure. Keeps how many images it classified each time."""

    def __init__(self) -> None:
        self.calls: list[int] = []

    def features(self, batch: Array) -> NDArray[np.float32]:
        assert batch.dtype == np.uint8
        return batch.reshape(len(batch), -1).astype(np.float32) @ PROJECTION

    def classify(self, batch: Array) -> NDArray[np.float64]:
        assert batch.dtype == np.uint8
        self.calls.append(len(batch))
        flat = batch.reshape(len(batch), 1, -1).astype(np.float64)
        gaps = ((flat - PATTERNS.reshape(CLASSES, -1)) ** 2).sum(axis=2) / 1e4
        weights = np.exp(gaps.min(axis=1, keepdims=True) - gaps)
        return np.asarray(weights / weights.sum(axis=1, keepdims=True))

    @property
    def classifying(self) -> Classifying:
        return on_images(self.classify)


def on_images(classify: Any) -> Classifying:
    """A network whose features are the images themselves."""
    return Classifying(lambda batch: batch, classify)


def parameters(**changes: Any) -> EvaluateParams:
    return EvaluateParams.model_validate(PARAMETERS | changes)


def networks(network: CountingExtractor | None = None) -> FeatureExtractors:
    return {"classifier": ("none", (network or CountingExtractor()).features)}


TWO: FeatureExtractors = networks() | {"pixels": ("own", pixels)}


def reference(
    data: PreparedDataset,
    network: CountingExtractor | None = None,
    opened: FeatureExtractors | None = None,
    classify: Classifying | None = None,
    **changes: Any,
) -> Reference:
    """The real side; networks and classes are those of `network` where no others are given."""
    own = network or CountingExtractor()
    known = classify or (own.classifying if data.classes == CLASSES else None)
    with tempfile.TemporaryDirectory() as folder:
        return Reference(data, parameters(**changes), opened or networks(own), known, Path(folder), stored=False)


def quick_of(real: Reference) -> tuple[str, ...]:
    return tuple(name for name, (_, spec) in real.specs.items() if spec.quick)


def balanced(count: int, classes: int = CLASSES) -> Array:
    return np.arange(count) % classes


def prepared_images() -> PreparedDataset:
    """A fixture: images of each class."""
    train, test = balanced(600), balanced(200)
    names = ("ant", "bee", "cat", "dog")
    return PreparedDataset(images(train, 1), train, images(test, 2), test, classes=CLASSES, class_names=names)


def prepared_points() -> PreparedDataset:
    """A fixture: points around each mode."""
    train, test = balanced(600, 3), balanced(200, 3)
    return PreparedDataset(
        points(train, 1), train, points(test, 2), test, classes=3, scale=1.5, modes=CENTRES, mode_std=0.1
    )


def both(array: Array, finite: bool = True) -> Samples:
    return Samples(raw=array, ema=array, finite=finite)


def trained(samples: Mapping[int, Samples | Trained]) -> dict[int, Trained]:
    return {seed: one if isinstance(one, Trained) else Trained(one, {}) for seed, one in samples.items()}


def judged(real: Reference, samples: Mapping[int, Samples | Trained], **known: Any) -> dict[str, Any]:
    """Evaluated, and through JSON as a stage writes it."""
    found = evaluate(real, trained(samples), variant="lsgan", title="LSGAN", data="toy", **known)
    loaded = json.loads(json.dumps(found, allow_nan=False))
    assert loaded == found  # nothing in it but what JSON holds
    return dict(loaded)


def run(data: PreparedDataset, samples: Mapping[int, Samples | Trained], **changes: Any) -> dict[str, Any]:
    return judged(reference(data, **changes), samples)
