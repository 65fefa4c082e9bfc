"""Feature networks: what images are compared in, one file each, chosen by name in `evaluate.feature_extractors`.

A module has a RESIZER, in words, which is part of every metric, and an `open_extractor`. A function of features takes
uint8 images (N, C, H, W) and returns float32 (N, d).
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganpipe.config.evaluation import FeatureExtractor
from ganpipe.prepared import PreparedDataset

Extract = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


@dataclass(frozen=True)
class Classifying:
    """An Extract whose network has classes of its own: `probabilities` (N, K) follow from the features (N, d)."""

    extract: Extract
    probabilities: Callable[[NDArray[np.float32]], NDArray[np.float64]]

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        return self.extract(images)


@dataclass(frozen=True)
class ExtractorContext:
    """What a network may need: the data that it is for, the folder of the trained classifier, and the device."""

    data: PreparedDataset
    classifier: Path
    architecture: dict[str, Any]
    device: str


def open_extractor(name: FeatureExtractor, context: ExtractorContext) -> tuple[str, Extract]:
    """Its resizer and its function. Raises UserError where the network does not suit the data or has no weights."""
    module = importlib.import_module(f"ganpipe.evaluation.extractors.{name}")
    extract: Extract = module.open_extractor(context)
    return module.RESIZER, extract
