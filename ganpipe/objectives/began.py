"""Boundary equilibrium GAN: Berthelot et al. 2017 (arXiv 1703.10717), section 3.4."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from ganpipe.critic import CriticBatch, LossState
from ganpipe.objectives import Objective
from ganpipe.parts import Positive


class BEGAN(Objective):
    """r and f are energies, and a state k, () in [0, 1], holds E f at gamma * E r.

    gamma: the ratio that is held. lambda_k: the step size of k.
    """

    kind: Literal["began"]
    gamma: Annotated[float, Field(gt=0, le=1)]
    lambda_k: Positive
    output_type: ClassVar[Literal["score", "energy"]] = "energy"

    def initial_state(self, device: torch.device) -> LossState:
        """k = 0."""
        return {"k": torch.zeros((), device=device)}

    def critic(self, batch: CriticBatch) -> Tensor:
        """r - k f."""
        return batch.real_output.score - batch.loss_state["k"] * batch.fake_output.score

    def generator(self, batch: CriticBatch) -> Tensor:
        """f."""
        return batch.fake_output.score

    def next_state(self, batch: CriticBatch) -> LossState:
        """k + lambda_k (gamma E r - E f), kept in [0, 1]."""
        error = self.gamma * batch.real_output.score.mean() - batch.fake_output.score.mean()
        return {"k": (batch.loss_state["k"] + self.lambda_k * error.detach()).clamp(0, 1)}
