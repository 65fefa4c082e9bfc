"""DINOv2's ViT-L/14 (Oquab et al. 2023, arXiv 2304.07193), after Stein et al. 2023 (arXiv 2306.04675).

The weights are verified. Meta publishes no digest of them: SHA256 is the one that several projects which fetched that
file give, independently of each other. The network's code is Meta's repository, which torch's hub fetches and runs:
torch-fidelity asks for the branch main, whatever that is today, and gets one commit here. What GitHub sends under a
commit's name is taken for it, and a copy that lies in the hub's folder under that name is run as it is: of neither is
there a digest.
"""

from __future__ import annotations

from ganpipe.evaluation.extractors import Extract, ExtractorContext, _fidelity

RESIZER = "bilinear as in TensorFlow 1, to 224 pixels"
FILE = "checkpoints/dinov2_vitl14_pretrain.pth"
SHA256 = "d5383ea8f4877b2472eb973e0fd72d557c7da5d3611bd527ceeb1d7162cbf428"
URL = "https://dl.fbaipublicfiles.com/dinov2/dinov2_vitl14/dinov2_vitl14_pretrain.pth"
REPOSITORY = _fidelity.Repository("facebookresearch/dinov2", "7764ea0f912e53c92e82eb78a2a1631e92725fc8")


def open_network(context: ExtractorContext) -> Extract:
    return _fidelity.network("dinov2", "dinov2-vit-l-14", "dinov2", FILE, SHA256, URL, context, REPOSITORY)
