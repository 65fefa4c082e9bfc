"""DINOv2's ViT-L/14 (Oquab et al. 2023, arXiv 2304.07193), after Stein et al. 2023 (arXiv 2306.04675)."""

from __future__ import annotations

from ganpipe.features import Extract, Surroundings, _fidelity

RESIZER = "bilinear as in TensorFlow 1, to 224 pixels"


def open_network(surroundings: Surroundings) -> Extract:
    file = "checkpoints/dinov2_vitl14_pretrain.pth"
    return _fidelity.network("dinov2", "dinov2-vit-l-14", "dinov2", file, "", surroundings, "facebookresearch/dinov2")
