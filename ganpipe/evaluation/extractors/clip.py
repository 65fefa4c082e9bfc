"""CLIP's ViT-B/32 (Radford et al. 2021, arXiv 2103.00020): the image side."""

from __future__ import annotations

from ganpipe.evaluation.extractors import Extract, ExtractorContext, _fidelity

RESIZER = "bilinear as in TensorFlow 1, to 224 pixels"
SHA256 = "40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af"
URL = f"https://openaipublic.azureedge.net/clip/models/{SHA256}/ViT-B-32.pt"


def open_network(context: ExtractorContext) -> Extract:
    file = f"checkpoints/clip-vit-b-32-{SHA256}.pt"
    return _fidelity.network("clip", "clip-vit-b-32", "clip", file, SHA256, URL, context)
