"""The classifier that the pipeline trains on the data's own training split: the layer before its classes."""

from __future__ import annotations

import torch

from ganpipe.config.classifier import ClassifierParams
from ganpipe.evaluation.extractors import Extract, ExtractorContext
from ganpipe.training.classifier import Classify, load

RESIZER = "none"


def open_extractor(context: ExtractorContext) -> Extract:
    classify = open_classifier(context)
    return lambda images: classify(images)[0]


def open_classifier(context: ExtractorContext) -> Classify:
    """Images to features and class probabilities, of data with two classes or more."""
    architecture = ClassifierParams.model_validate(context.architecture)
    return load(context.classifier, architecture, context.data, torch.device(context.device))
