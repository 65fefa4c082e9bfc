"""Optimizers, one file each."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import Annotated

from torch import nn, optim

from ganpipe.parts import Choice, Part, Positive
from ganpipe.schedules import Schedule


class Optimizer(Part):
    """lr: the learning rate in the first step. schedule: of the rate, over the steps of the training."""

    lr: Positive
    schedule: Annotated[Schedule, Choice("ganpipe.schedules")]

    @abstractmethod
    def build(self, parameters: Iterable[nn.Parameter]) -> optim.Optimizer:
        """The torch optimizer over these parameters."""

    def set_rate(self, optimizer: optim.Optimizer, progress: float) -> None:
        """Give the torch optimizer its rate for the next step. progress: the share of the steps that is done."""
        for group in optimizer.param_groups:
            group["lr"] = self.lr * self.schedule.factor(progress)
