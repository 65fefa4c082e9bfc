"""A mixture of several generators (Ghosh et al. 2018, MAD-GAN, arXiv 1704.02906; Hoang et al. 2018, MGAN)."""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import model_validator
from torch import Tensor, nn

from ganpipe.networks import GeneratorNetwork, Shape
from ganpipe.networks._members import Members
from ganpipe.params import Choice, refuse


class _Mixture(nn.Module):
    def __init__(self, members: list[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, z: Tensor) -> Tensor:
        # latent i goes to member i mod count, so that every stretch of a batch has its share of each
        n, count = len(z), len(self.members)
        parts = [member(z[k::count]) for k, member in enumerate(self.members) if k < n]
        places = torch.cat([torch.arange(k, n, count, device=z.device) for k in range(min(n, count))])
        return torch.cat(parts)[places.argsort()]


class EnsembleGenerator(Members, GeneratorNetwork):
    """`count` generators of the same architecture and different weights, an equal share of each batch from each."""

    kind: Literal["ensemble"]
    member: Annotated[GeneratorNetwork, Choice("ganpipe.networks.generators")]

    @model_validator(mode="after")
    def _trained(self) -> EnsembleGenerator:
        if self.member.made_by:
            sentence = (
                f"is made by the procedure {self.member.made_by} alone; use `kind: mlp` or another that any trains"
            )
            raise refuse(sentence, "member", "kind", value=self.member.kind)
        return self

    @property
    def shares(self) -> int:
        return self.count * self.member.shares

    def unfit_latent(self, latent: int, shape: Shape) -> str | None:
        return self.member.unfit_latent(latent, shape)

    def build(self, latent: int, shape: Shape) -> nn.Module:
        return _Mixture([self.member.build(latent, shape) for _ in range(self.count)])
