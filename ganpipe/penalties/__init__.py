"""Penalties: terms that are added to the loss of one network, one file each."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, ClassVar, Literal

import torch
from torch import Generator, Tensor

from ganpipe.critic import CriticBatch, CriticFunction, LossState, Samples
from ganpipe.parts import NonNegative, Part, Positive
from ganpipe.schedules import Scheduled


class Penalty(Part):
    """A term that joins the loss of one network.

    weight: its factor, which may be a schedule over the steps of the training. network: the one whose loss it is added
    to. uses_input_gradient: it takes dD/dx, the gradient of the critic at each sample, so no layer of the critic may
    mix the samples of a batch. gradients_at: the samples of the batch where it takes it, if it does: then the loss and
    the penalty share one forward pass. bounds_loss: it limits the critic of a loss that has no bound without, such as
    WGAN's. needs_code: it reads the critic's features (`code`).
    """

    weight: Annotated[Positive, Scheduled(NonNegative)]
    network: ClassVar[Literal["critic", "generator"]] = "critic"
    uses_input_gradient: ClassVar[bool] = False
    gradients_at: ClassVar[frozenset[Samples]] = frozenset()
    needs_code: ClassVar[bool] = False

    @property
    def bounds_loss(self) -> bool:
        return self.uses_input_gradient

    @property
    def has_state(self) -> bool:
        """Whether it keeps something between steps."""
        return bool(self.initial_state(torch.device("cpu")))

    def initial_state(self, device: torch.device) -> LossState:
        """What it adds to the `loss_state` of the first critic step. Nothing by default."""
        return {}

    def next_state(self, batch: CriticBatch) -> LossState:
        """The same after a critic step on this batch."""
        return {}

    @abstractmethod
    def __call__(self, critic: CriticFunction, batch: CriticBatch, rng: Generator) -> Tensor:
        """The weighted penalty, (N,), or () where it is a property of the batch; the caller takes the mean."""
