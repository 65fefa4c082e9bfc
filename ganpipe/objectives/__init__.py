"""Objectives: the losses of critic (discriminator) and generator, one file each.

A loss is a pure function of one batch that gives one value per sample, (N,); the caller takes the mean and minimises
it. In the docstrings r = D(x) and f = D(G(z)) are the critic's outputs, (N,) each, and sp is softplus.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from torch import Tensor

from ganpipe.critic import CriticBatch, LossState
from ganpipe.parts import Part


class Objective(Part):
    """The losses of critic and generator.

    output_type: of the critic: a `score` is any real number, high = real; an `energy` is >= 0, low = real.
    compares_samples: its losses read the samples beside the scores, of which there is one for each.
    is_directed: a high score is real; else the scores of both are only moved apart, in either direction.
    decides_at_zero: a score above 0 says that the critic takes the sample for a real one.
    """

    compares_samples: ClassVar[bool] = False
    decides_at_zero: ClassVar[bool] = False

    output_type: ClassVar[Literal["score", "energy"]] = "score"

    @property
    def is_directed(self) -> bool:
        return True

    @property
    def needs_lipschitz(self) -> bool:
        """Whether its loss leaves the critic's gradient unbounded: a penalty or constraint has to limit it."""
        return False

    @property
    def num_scores(self) -> int:
        """How many scores per sample it reads; more than one needs a critic ensemble of that size."""
        return 1

    @property
    def has_state(self) -> bool:
        """Whether it keeps a `loss_state` between steps."""
        return bool(self.initial_state(torch.device("cpu")))

    def initial_state(self, device: torch.device) -> LossState:
        """The `loss_state` of the first critic step. Empty by default."""
        return {}

    def next_state(self, batch: CriticBatch) -> LossState:
        """The state after a critic step on this batch."""
        return batch.loss_state

    def metrics(self, batch: CriticBatch) -> dict[str, Tensor]:
        """What the history records of a critic step besides loss and scores, each of shape (). Nothing by default."""
        return {}

    def critic(self, batch: CriticBatch) -> Tensor:
        """The critic's loss, (N,)."""
        raise NotImplementedError

    def generator(self, batch: CriticBatch) -> Tensor:
        """The generator's loss, (N,)."""
        raise NotImplementedError
