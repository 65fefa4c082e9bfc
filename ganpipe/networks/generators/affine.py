"""The smallest generator: one mean and one scale for each feature (Nowozin et al. 2016, section 4.1)."""

from __future__ import annotations

from math import prod
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from ganpipe.networks import Form, GeneratorNetwork, Shape


class _Affine(nn.Module):
    def __init__(self, features: int) -> None:
        super().__init__()
        self.mean, self.scale = nn.Parameter(torch.zeros(features)), nn.Parameter(torch.ones(features))

    def forward(self, z: Tensor) -> Tensor:
        return self.mean + self.scale * z[:, : len(self.mean)]


class AffineGenerator(GeneratorNetwork):
    """G(z) = mean + scale * z, with as many of z's numbers as a point has features."""

    kind: Literal["affine"]
    forms: ClassVar[frozenset[Form]] = frozenset({"points"})

    def latent_incompatibility(self, latent: int, shape: Shape) -> str | None:
        if latent >= prod(shape):
            return None
        return f"{self.kind} reads {prod(shape)} numbers of a latent, and `latent.size` is {latent}"

    def build(self, latent: int, shape: Shape) -> nn.Module:
        return _Affine(prod(shape))
