"""Feature extractors of torch-fidelity (Obukhov et al. 2020, Apache 2.0), with their own weights and resizers."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from ganpipe.evaluation.extractors import Classifying, Extract, ExtractorContext
from ganpipe.evaluation.extractors._pretrained import Weights, in_chunks
from ganpipe.utils.errors import UserError


def fidelity_extractor(
    weights: Weights, extractor: str, layer: str, context: ExtractorContext, head: str | None = None
) -> Extract:
    """torch-fidelity's `extractor` read at `layer`.

    weights: where torch-fidelity looks for them; fetched by us, as torch-fidelity opens whatever comes. head: the
    linear layer from these features to its classes, read without its bias.
    """
    try:
        from torch_fidelity.utils import create_feature_extractor
    except ImportError:
        raise UserError(
            f"evaluate.feature_extractors names {weights.name}, which is torch-fidelity's: install "
            "ganpipe[features], or use classifier."
        ) from None
    net = weights.load(lambda: create_feature_extractor(extractor, [layer], cuda=False, verbose=False))
    net.to(context.device)
    extract = in_chunks(lambda images: net.convert_features_tuple_to_dict(net(images))[layer], context.device)
    if head is None:
        return extract
    weight = getattr(net, head).weight.detach().float().cpu()

    def probabilities(features: NDArray[np.float32]) -> NDArray[np.float64]:
        found = (torch.from_numpy(features) @ weight.T).double().softmax(dim=1)
        return np.asarray(found.numpy())

    return Classifying(extract, probabilities)
