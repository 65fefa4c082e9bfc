"""Self-attention of Zhang et al. 2018, SAGAN (arXiv 1805.08318), section 3."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d


class SelfAttention(nn.Module):
    """(N, C, H, W) -> (N, C, H, W): x + gamma * o, where o is attention over all positions of the same map.

    Queries and keys have C / 8 channels, values C / 2, at least 1 each. Keys and values are max-pooled to half the
    size, which the paper's code does to save memory. gamma starts at 0, so the layer starts as the identity and the
    network first learns from local features. All four maps are 1x1 convolutions, so spectral norm covers them.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner, value = max(1, channels // 8), max(1, channels // 2)
        self.query = nn.Conv2d(channels, inner, 1, bias=False)
        self.key = nn.Conv2d(channels, inner, 1, bias=False)
        self.value = nn.Conv2d(channels, value, 1, bias=False)
        self.output = nn.Conv2d(value, channels, 1, bias=False)
        self.gamma = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        queries = self.query(x).flatten(2)  # (N, C / 8, positions)
        keys = max_pool2d(self.key(x), 2).flatten(2)  # (N, C / 8, sources)
        values = max_pool2d(self.value(x), 2).flatten(2)  # (N, C / 2, sources)
        weights = torch.softmax(queries.transpose(1, 2) @ keys, dim=2)  # (N, positions, sources)
        # not len(x): torch.export would take the batch for a constant
        gathered = (values @ weights.transpose(1, 2)).reshape(x.shape[0], -1, *x.shape[2:])
        result: Tensor = x + self.gamma * self.output(gathered)
        return result


def attention_incompatibility(kind: str, attention: int, maps: list[int]) -> str | None:
    """Why `attention` is not the size in pixels of one of these feature maps, or 0; None where it is."""
    if attention in (0, *maps):
        return None
    known = " or ".join(map(str, dict.fromkeys(maps)))
    return f"{kind} has maps of {known} pixels on such images, and `attention` asks for one of {attention}"
