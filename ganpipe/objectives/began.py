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
    """Critic: E(x) - k E(G). Generator: E(G). After each critic step k <- k + gain * (balance * E(x) - E(G)) in [0, 1].

    balance is the paper's gamma, gain its lambda_k. k starts at 0.
    """

    kind: Literal["began"]
    balance: Annotated[float, Field(gt=0, le=1)]
    gain: Positive
    scale: ClassVar[Literal["score", "energy"]] = "energy"

    def initial_state(self, device: torch.device) -> State:
        return {"k": torch.zeros((), device=device)}

    def critic(self, game: Round) -> Tensor:
        return game.on_real.score - game.state["k"] * game.on_fake.score

    def generator(self, game: Round) -> Tensor:
        return game.on_fake.score

    def next_state(self, game: Round) -> State:
        off_balance = self.balance * game.on_real.score.mean() - game.on_fake.score.mean()
        return {"k": (game.state["k"] + self.gain * off_balance.detach()).clamp(0, 1)}
