"""What the stages `reference` and `evaluate` hand to an evaluation: the feature networks and the classifier."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ganpipe.errors import BadInput
from ganpipe.evaluation.images import Classify
from ganpipe.evaluation.parameters import EvaluateParams
from ganpipe.evaluation.spaces import Extract
from ganpipe.evaluation.stored import Networks
from ganpipe.prepared import PreparedDataset


def networks(spec: dict[str, Any], data: PreparedDataset) -> tuple[Networks, Classify | None]:
    """Those that `evaluate.features` names, and the classifier where the data has classes; none for points.

    Importing this loads no torch: points do without. Raises BadInput as `open_network` does, and where the data turned
    out to have no classes for the classifier: `check` says so before, for data sets that know their classes.
    """
    if data.form == "points":
        return {}, None
    params = EvaluateParams.model_validate(spec["params"])
    if sentence := params.incompatibility(spec["data"], data.classes):
        raise BadInput(sentence)
    from ganpipe.features import Surroundings, open_network
    from ganpipe.features.classifier import open_classifier
    from ganpipe.training.loop import configure
    from ganpipe.variant import Runtime

    runtime = Runtime.model_validate(spec["runtime"])
    configure(runtime)
    around = Surroundings(data, Path("classifiers", spec["data"]), spec["classifier"], runtime.device)
    opened: dict[str, tuple[str, Extract]] = {name: open_network(name, around) for name in params.features}
    if data.classes < 2:
        return opened, None
    classify = open_classifier(around)
    return opened, lambda images: classify(images)[1]
