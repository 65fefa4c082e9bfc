"""Optimizers, one file each."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import Annotated

from pydantic import Field
from torch import nn, optim

from ganpipe.parts import NonNegative, Part, Positive
from ganpipe.schedules import Scheduled, at

Beta = Annotated[float, Field(ge=0, lt=1)]
ScheduledBeta = Annotated[Beta, Scheduled(Beta)]


class Optimizer(Part):
    """lr: the learning rate. It, and the betas of Adam, may be schedules over the steps of the training."""

    lr: Annotated[Positive, Scheduled(NonNegative)]

    @abstractmethod
    def build(self, parameters: Iterable[nn.Parameter]) -> optim.Optimizer:
        """The torch optimizer over these parameters."""

    def follow_schedules(self, optimizer: optim.Optimizer, progress: float) -> None:
        """Give the torch optimizer its numbers for the next step. progress: the share of the steps that is done."""
        now = at(self, progress)
        for group in optimizer.param_groups:
            group.update({name: value for name, value in now if name in group})
