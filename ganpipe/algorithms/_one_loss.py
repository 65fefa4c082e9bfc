"""The step of an algorithm that goes down one loss with one optimizer, without a critic."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn

from ganpipe.algorithms import Metrics, Trainer
from ganpipe.algorithms._steps import enforce_constraints, optimizer_step
from ganpipe.batches import Batch
from ganpipe.utils.ema import update_ema
from ganpipe.utils.state import StateMixin

if TYPE_CHECKING:
    from ganpipe.config.variant import Runtime, Variant


class OneLossTrainer(StateMixin, Trainer):
    """net: all that is trained; the generator unless `generator` says otherwise. ema: its moving average."""

    state_attrs: ClassVar[tuple[str, ...]] = ("net", "ema", "optimizer", "steps")
    net: nn.Module
    ema: nn.Module

    def __init__(self, variant: Variant, runtime: Runtime, net: nn.Module) -> None:
        self.variant, self.runtime, self.net = variant, runtime, net
        self.ema = copy.deepcopy(net).requires_grad_(False)
        self.optimizer = variant.generator_optimizer.build(net.parameters())
        self.generators = {"raw": self.net, "ema": self.ema}
        self.saved_networks, self.loss_state = {}, {}
        self.steps = 0

    @property
    def generator(self) -> nn.Module:
        """The network that the constraints on the generator hold for."""
        return self.net

    @abstractmethod
    def losses(self, real: Tensor, held_out: bool = False) -> Metrics:
        """generator_loss, which is minimised, of samples (N, *shape), and what else the history records of a step.

        held_out: the samples are not in the training data; random numbers then come from a stream of their own.
        """

    def train_step(self, batches: Iterator[Batch]) -> Metrics:
        """One optimizer step."""
        progress = self.steps / self.variant.steps
        self.variant.generator_optimizer.follow_schedules(self.optimizer, progress)
        self.steps += 1
        metrics = self.losses(next(batches).x)
        optimizer_step(self.optimizer, metrics["generator_loss"])
        enforce_constraints(self.variant, "generator", self.generator)
        update_ema(self.ema, self.net, self.variant.ema, self.steps, progress)
        return metrics

    @torch.no_grad()
    def held_out_metrics(self, real: Tensor) -> Metrics:
        """held_out_loss: the same loss of samples that are not in the training data, with the last weights."""
        self.net.eval()
        loss = self.losses(real, held_out=True)["generator_loss"]
        self.net.train()
        return {"held_out_loss": loss}
