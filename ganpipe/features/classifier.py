"""The classifier that the pipeline trains on the data's own training split: the layer before its classes."""

from __future__ import annotations

import torch

from ganpipe.errors import BadInput
from ganpipe.features import Extract, Surroundings
from ganpipe.training.classifier import ClassifierParams, Classify, load

RESIZER = "none"


def open_network(surroundings: Surroundings) -> Extract:
    classify = open_classifier(surroundings)
    return lambda images: classify(images)[0]


def open_classifier(surroundings: Surroundings) -> Classify:
    """Images to features and class probabilities. Raises BadInput where the data has no classes to tell apart."""
    if surroundings.data.classes < 2:
        raise BadInput(
            "evaluate.features names classifier, and the data has no classes to train one on: use pixels, or a network "
            "with weights of its own (inception, dinov2, clip)."
        )
    architecture = ClassifierParams.model_validate(surroundings.architecture)
    return load(surroundings.classifier, architecture, surroundings.data, torch.device(surroundings.device))
