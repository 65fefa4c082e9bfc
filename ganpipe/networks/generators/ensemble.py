"""A mixture of several generators (Ghosh et al. 2018, MAD-GAN, arXiv 1704.02906; Hoang et al. 2018, MGAN)."""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import model_validator
from torch import Tensor, nn

from ganpipe.networks import GeneratorNetwork, Shape
from ganpipe.networks._ensemble import EnsembleNetwork
from ganpipe.parts import Choice, refuse


class _Mixture(nn.Module):
    def __init__(self, members: list[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, z: Tensor) -> Tensor:
        # latent i goes to member i mod count, so that every part of a batch has samples of each
        n, count = len(z), len(self.members)
        parts = [member(z[k::count]) for k, member in enumerate(self.members) if k < n]
        order = torch.cat([torch.arange(k, n, count, device=z.device) for k in range(min(n, count))])
        return torch.cat(parts)[order.argsort()]


class EnsembleGenerator(EnsembleNetwork, GeneratorNetwork):
    """`num_members` generators of the architecture `base`, each of which makes an equal share of every batch."""

    kind: Literal["ensemble"]
    base: Annotated[GeneratorNetwork, Choice("ganpipe.networks.generators")]

    @model_validator(mode="after")
    def _trained(self) -> EnsembleGenerator:
        if self.base.requires_algorithm:
            algorithm = self.base.requires_algorithm
            sentence = f"is made by the algorithm {algorithm} alone; use `kind: mlp` or another that any trains"
            raise refuse(sentence, "base", "kind", value=self.base.kind)
        return self

    @property
    def num_generators(self) -> int:
        return self.num_members * self.base.num_generators

    def latent_incompatibility(self, latent: int, shape: Shape) -> str | None:
        return self.base.latent_incompatibility(latent, shape)

    def build(self, latent: int, shape: Shape) -> nn.Module:
        return _Mixture([self.base.build(latent, shape) for _ in range(self.num_members)])
