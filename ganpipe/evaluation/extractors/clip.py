"""CLIP's ViT-B/32 (Radford et al. 2021, arXiv 2103.00020): the image side."""

from __future__ import annotations

from ganpipe.evaluation.extractors import Extract, ExtractorContext
from ganpipe.evaluation.extractors._fidelity import fidelity_extractor
from ganpipe.evaluation.extractors._pretrained import Weights

RESIZER = "bilinear as in TensorFlow 1, to 224 pixels"
_SHA256 = "40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af"
WEIGHTS = Weights(
    name="clip",
    file=f"checkpoints/clip-vit-b-32-{_SHA256}.pt",
    sha256=_SHA256,
    url=f"https://openaipublic.azureedge.net/clip/models/{_SHA256}/ViT-B-32.pt",
)


def open_extractor(context: ExtractorContext) -> Extract:
    return fidelity_extractor(WEIGHTS, "clip-vit-b-32", "clip", context)
