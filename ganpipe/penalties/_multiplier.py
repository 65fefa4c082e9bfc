"""A quantity of the critic that is held at 1 by an augmented Lagrangian, as Fisher GAN and Sobolev GAN do."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Generator, Tensor

from ganpipe.critic import CriticBatch, CriticFunction, LossState
from ganpipe.penalties import Penalty


class HeldAtOne(Penalty):
    """multiplier (q - 1) + weight / 2 (q - 1)^2 of the quantity q, (): the multiplier, 0 at first, climbs it.

    weight: the papers' rho, which is the step size of the multiplier as well.
    """

    @property
    def bounds_loss(self) -> bool:
        return True

    @abstractmethod
    def quantity(self, batch: CriticBatch) -> Tensor:
        """q, ()."""

    def initial_state(self, device: torch.device) -> LossState:
        return {self._name: torch.zeros((), device=device)}

    def next_state(self, batch: CriticBatch) -> LossState:
        """The multiplier + weight (q - 1)."""
        return {self._name: batch.loss_state[self._name] + self.weight * (self.quantity(batch).detach() - 1)}

    def __call__(self, critic: CriticFunction, batch: CriticBatch, rng: Generator) -> Tensor:
        above = self.quantity(batch) - 1
        return batch.loss_state[self._name] * above + 0.5 * self.weight * above.square()

    @property
    def _name(self) -> str:
        return f"{self.kind}_multiplier"
