"""DINOv2's ViT-L/14 (Oquab et al. 2023, arXiv 2304.07193), as Stein et al. 2023 (arXiv 2306.04675) use it.

Images are resized to 224 pixels (bicubic, antialiased) and normalised by ImageNet's mean and standard deviation; the
features are the normalised class token.

The weights are verified. Meta publishes no digest of them: the one here is what several projects which fetched that
file give, independently of each other. The network's code is Meta's repository, which torch's hub fetches at one commit
and runs. What GitHub sends under a commit's name is taken for it, and a copy that lies in the hub's folder under that
name is run as it is: of neither is there a digest.
"""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor

from ganpipe.evaluation.extractors import Extract, ExtractorContext
from ganpipe.evaluation.extractors._pretrained import Weights, in_chunks

RESIZER = "bicubic with antialiasing, to 224 pixels"
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
COMMIT = "7764ea0f912e53c92e82eb78a2a1631e92725fc8"
WEIGHTS = Weights(
    name="dinov2",
    file="checkpoints/dinov2_vitl14_pretrain.pth",
    sha256="d5383ea8f4877b2472eb973e0fd72d557c7da5d3611bd527ceeb1d7162cbf428",
    url="https://dl.fbaipublicfiles.com/dinov2/dinov2_vitl14/dinov2_vitl14_pretrain.pth",
    code=(f"github.com/facebookresearch/dinov2 at the commit {COMMIT}", f"facebookresearch_dinov2_{COMMIT}"),
)


def open_extractor(context: ExtractorContext) -> Extract:
    net = WEIGHTS.load(_network).to(context.device)
    mean, std = (torch.tensor(of, device=context.device)[:, None, None] for of in (MEAN, STD))

    def features(images: Tensor) -> Tensor:
        resized = torch.nn.functional.interpolate(images.float() / 255, (224, 224), mode="bicubic", antialias=True)
        found: Tensor = net((resized - mean) / std)
        return found

    return in_chunks(features, context.device)


def _network() -> torch.nn.Module:
    load: Any = torch.hub.load
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="xFormers is")
        # what torch would validate is that a branch or tag ends at the commit; the commit's own name says more
        net: torch.nn.Module = load(
            f"facebookresearch/dinov2:{COMMIT}", "dinov2_vitl14", trust_repo=True, skip_validation=True, verbose=False
        )
    return net.eval().requires_grad_(False)
