"""The classifier that the pipeline trains on the data's own training split: the layer before its classes."""

from __future__ import annotations

import torch

from ganpipe.config.classifier import ClassifierParams
from ganpipe.evaluation.extractors import Classifying, Extract, ExtractorContext
from ganpipe.training.classifier import load

RESIZER = "none"


def open_extractor(context: ExtractorContext) -> Extract:
    return open_classifier(context).extract


def open_classifier(context: ExtractorContext) -> Classifying:
    """Of data with two classes or more."""
    architecture = ClassifierParams.model_validate(context.architecture)
    reader = load(context.classifier, architecture, context.data, torch.device(context.device))
    return Classifying(reader.features, reader.probabilities)
