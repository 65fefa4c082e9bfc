"""InceptionV3 of 2015, the network of the published Fréchet and Inception scores (Heusel et al. 2017)."""

from __future__ import annotations

from ganpipe.evaluation.extractors import Extract, ExtractorContext
from ganpipe.evaluation.extractors._fidelity import fidelity_extractor
from ganpipe.evaluation.extractors._pretrained import Weights

RESIZER = "bilinear as in TensorFlow 1, to 299 pixels"
WEIGHTS = Weights(
    name="inception",
    file="checkpoints/weights-inception-2015-12-05-6726825d.pth",
    sha256="6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
    url="https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth",
)


def open_extractor(context: ExtractorContext) -> Extract:
    return fidelity_extractor(WEIGHTS, "inception-v3-compat", "2048", context, head="fc")
