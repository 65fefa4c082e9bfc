"""LeCam regularisation, for trainings on few images: Tseng et al. 2021 (arXiv 2104.03310), section 3."""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Generator, Tensor

from ganpipe.critic import CriticBatch, CriticFunction, LossState, mean_over_scores
from ganpipe.penalties import Penalty


class LeCam(Penalty):
    """weight ((r - a_f)^2 + (f - a_r)^2): scores of real samples stay near the usual one of generated ones, and back.

    a_r and a_f are moving averages of the scores, 0 at the start; decay: the paper's gamma, 0.99. The authors' code
    takes positive parts of the two differences, the paper does not.
    """

    kind: Literal["lecam"]
    decay: Annotated[float, Field(ge=0, lt=1)]

    def initial_state(self, device: torch.device) -> LossState:
        """Both averages are 0."""
        return {"lecam_real": torch.zeros((), device=device), "lecam_fake": torch.zeros((), device=device)}

    def next_state(self, batch: CriticBatch) -> LossState:
        """decay a + (1 - decay) times the mean score of the batch."""
        means = {"lecam_real": batch.real_output.score.mean(), "lecam_fake": batch.fake_output.score.mean()}
        return {
            name: self.decay * batch.loss_state[name] + (1 - self.decay) * mean.detach() for name, mean in means.items()
        }

    def __call__(self, critic: CriticFunction, batch: CriticBatch, rng: Generator) -> Tensor:
        real = (batch.real_output.score - batch.loss_state["lecam_fake"]).square()
        fake = (batch.fake_output.score - batch.loss_state["lecam_real"]).square()
        return self.weight * mean_over_scores(real + fake)
