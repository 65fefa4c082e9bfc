"""Several objectives at once, each with a critic of its own: Durugkar et al. 2017, GMAN (arXiv 1611.01673)."""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor

from ganpipe.critic import CriticBatch, CriticOutput
from ganpipe.objectives import Objective
from ganpipe.parts import Choice, refuse


class Ensemble(Objective):
    """The mean of the members' losses; member k reads column k of the scores (N, K) of a critic ensemble."""

    kind: Literal["ensemble"]
    members: Annotated[
        tuple[Annotated[Objective, Choice("ganpipe.objectives")], ...], Field(strict=False, min_length=2)
    ]

    @model_validator(mode="after")
    def _one_score_without_state(self) -> Ensemble:
        for i, member in enumerate(self.members):
            if member.output_type != self.output_type or member.kind in ("none", self.kind) or member.has_state:
                sentence = "cannot be a member, which reads one score and has no state"
                remedy = "use `kind: non_saturating` or another loss of scores"
                raise refuse(f"{sentence}; {remedy}", "members", i, "kind", value=member.kind)
        return self

    @property
    def num_scores(self) -> int:
        return len(self.members)

    @property
    def is_directed(self) -> bool:
        return all(member.is_directed for member in self.members)

    @property
    def needs_lipschitz(self) -> bool:
        return any(member.needs_lipschitz for member in self.members)

    def critic(self, batch: CriticBatch) -> Tensor:
        return torch.stack([m.critic(_column(batch, k)) for k, m in enumerate(self.members)]).mean(0)

    def generator(self, batch: CriticBatch) -> Tensor:
        return torch.stack([m.generator(_column(batch, k)) for k, m in enumerate(self.members)]).mean(0)


def _column(batch: CriticBatch, k: int) -> CriticBatch:
    """The batch with the scores of critic k alone, (N,)."""

    def critic(x: Tensor) -> CriticOutput:
        output = batch.real_output if x is batch.real else batch.fake_output
        return CriticOutput(output.score[:, k], output.code)

    return CriticBatch(batch.real, batch.fake, critic)
