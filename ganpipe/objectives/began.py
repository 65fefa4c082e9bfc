"""Berthelot et al. 2017, BEGAN (arXiv 1703.10717), section 3.4: energies in a balance that is kept by control."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from ganpipe.game import Round, State
from ganpipe.objectives import Objective
from ganpipe.params import Positive


class BEGAN(Objective):
    """Critic: E(x) - k E(G). Generator: E(G).

    k starts at 0; after each critic step k <- k + lambda_k * (gamma * E(x) - E(G)), kept in [0, 1].
    """

    kind: Literal["began"]
    gamma: Annotated[float, Field(gt=0, le=1)]
    lambda_k: Positive
    output_type: ClassVar[Literal["score", "energy"]] = "energy"

    def initial_state(self, device: torch.device) -> State:
        return {"k": torch.zeros((), device=device)}

    def critic(self, batch: Round) -> Tensor:
        return batch.on_real.score - batch.state["k"] * batch.on_fake.score

    def generator(self, batch: Round) -> Tensor:
        return batch.on_fake.score

    def next_state(self, batch: Round) -> State:
        off_balance = self.gamma * batch.on_real.score.mean() - batch.on_fake.score.mean()
        return {"k": (batch.state["k"] + self.lambda_k * off_balance.detach()).clamp(0, 1)}
