"""An ensemble of critics, one for each member of an ensemble of objectives (GMAN, arXiv 1611.01673)."""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import model_validator
from torch import Tensor, nn

from ganpipe.critic import CriticOutput
from ganpipe.networks import CriticNetwork, OutputType, Shape
from ganpipe.networks._ensemble import EnsembleNetwork
from ganpipe.parts import Choice, refuse


class _Critics(nn.Module):
    def __init__(self, members: list[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, x: Tensor) -> CriticOutput:
        return CriticOutput(torch.stack([member(x).score for member in self.members], dim=1))


class EnsembleCritic(EnsembleNetwork, CriticNetwork):
    """`num_members` critics of the architecture `base`; scores (N, num_members)."""

    kind: Literal["ensemble"]
    base: Annotated[CriticNetwork, Choice("ganpipe.networks.critics")]

    @model_validator(mode="after")
    def _single(self) -> EnsembleCritic:
        if self.base.num_scores > 1 or self.base.has_patches or self.base.kind == "none":
            sentence = "is no critic with one score; use `kind: mlp` or another that is"
            raise refuse(sentence, "base", "kind", value=self.base.kind)
        return self

    @property
    def output_type(self) -> OutputType:
        return self.base.output_type

    @property
    def num_scores(self) -> int:
        return self.num_members

    @property
    def uses_batch_stats(self) -> bool:
        return self.base.uses_batch_stats

    @property
    def batch_stats_layer(self) -> tuple[str, str]:
        layer, remedy = self.base.batch_stats_layer
        return layer, remedy.replace("`critic.", "`critic.base.")

    def build(self, shape: Shape) -> nn.Module:
        return _Critics([self.base.build(shape) for _ in range(self.num_members)])
