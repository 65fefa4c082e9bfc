"""The classifier that the pipeline trains on the data's own training split: the layer before its classes."""

from __future__ import annotations

import torch

from ganpipe.features import Extract, Surroundings
from ganpipe.training.classifier import ClassifierParams, Classify, load

RESIZER = "none"


def open_network(surroundings: Surroundings) -> Extract:
    classify = open_classifier(surroundings)
    return lambda images: classify(images)[0]


def open_classifier(surroundings: Surroundings) -> Classify:
    """Images to features and class probabilities, of data with two classes or more."""
    architecture = ClassifierParams.model_validate(surroundings.architecture)
    return load(surroundings.classifier, architecture, surroundings.data, torch.device(surroundings.device))
