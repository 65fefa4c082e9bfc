"""Several critics side by side, one for each member of an ensemble of objectives."""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import model_validator
from torch import Tensor, nn

from ganpipe.game import Judgement
from ganpipe.networks import CriticNetwork, Shape
from ganpipe.networks._members import Members
from ganpipe.params import Choice, refuse


class _SideBySide(nn.Module):
    def __init__(self, members: list[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, x: Tensor) -> Judgement:
        return Judgement(torch.stack([member(x).score for member in self.members], dim=1))


class EnsembleCritic(Members, CriticNetwork):
    """`count` critics of the same architecture and different weights; scores (N, count)."""

    kind: Literal["ensemble"]
    member: Annotated[CriticNetwork, Choice("ganpipe.networks.critics")]

    @model_validator(mode="after")
    def _single(self) -> EnsembleCritic:
        if self.member.judges > 1 or self.member.kind == "none":
            sentence = "is no critic with one score; use `kind: mlp` or another that is"
            raise refuse(sentence, "member", "kind", value=self.member.kind)
        return self

    @property
    def emits(self) -> Literal["score", "energy"]:
        return self.member.emits

    @property
    def judges(self) -> int:
        return self.count

    @property
    def couples_samples(self) -> bool:
        return self.member.couples_samples

    @property
    def coupling(self) -> tuple[str, str]:
        layer, remedy = self.member.coupling
        return layer, remedy.replace("`critic.", "`critic.member.")

    def build(self, shape: Shape) -> nn.Module:
        return _SideBySide([self.member.build(shape) for _ in range(self.count)])
