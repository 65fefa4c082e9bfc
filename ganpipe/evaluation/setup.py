"""What the stages `reference_stats` and `evaluate` measure with:

the real side, its feature networks and the classifier.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ganpipe.config.evaluation import EvaluateParams
from ganpipe.config.variant import Runtime
from ganpipe.evaluation.extractors import Classifying, ExtractorContext, open_extractor
from ganpipe.evaluation.extractors.classifier import open_classifier
from ganpipe.evaluation.reference import FeatureExtractors, Reference
from ganpipe.prepared import PreparedDataset
from ganpipe.training.loop import configure
from ganpipe.utils.errors import UserError


def open_reference(
    spec: dict[str, Any], data: PreparedDataset, folder: Path, *, stored: bool, classifier: Path | None = None
) -> Reference:
    """The real side as the spec says. stored: whether the stage `reference_stats` has written the folder.

    classifier: the folder of the classifier, by default that of the stage of this name.

    Raises UserError as `Reference` and `open_extractor` do, and where the data turned out to have no classes for the
    classifier: `check` says so before, for data sets that know their classes.
    """
    params, runtime = EvaluateParams.model_validate(spec["params"]), Runtime.model_validate(spec["runtime"])
    configure(runtime.model_copy(update={"precision": "float32"}))
    extractors: FeatureExtractors = {}
    classify: Classifying | None = None
    if data.form == "images":
        if sentence := params.incompatibility(spec["data"], data.classes):
            raise UserError(sentence)
        context = ExtractorContext(
            data, classifier or Path("classifiers", spec["data"]), spec["classifier"], runtime.device
        )
        extractors = {name: open_extractor(name, context) for name in params.feature_extractors}
        if data.classes > 1:
            classify = open_classifier(context)
            if "classifier" in extractors:  # one network, so that it reads each sample once
                extractors["classifier"] = (extractors["classifier"][0], classify.extract)
    return Reference(data, params, extractors, classify, folder, stored=stored, device=runtime.device)
