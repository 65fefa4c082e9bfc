"""What the loop asks of a way to train: `ganpipe/training/<kind>.py` answers it with a class `Game`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager

import torch
from torch import Tensor, nn

from ganpipe.networks import Shape
from ganpipe.training.batches import Batches
from ganpipe.training.state import Lasting
from ganpipe.variant import Runtime, Variant

Figures = dict[str, Tensor]


def unused(name: str, figures: Figures) -> str:
    """The name, with a number behind it where a figure has it already: a second penalty of one kind, say."""
    number = 1 + sum(other.rstrip("0123456789").rstrip("_") == name for other in figures)
    return name if number == 1 else f"{name}_{number}"


def attach(variant: Variant, players: dict[str, nn.Module]) -> None:
    """Put the row's constraints on those of its players that are given, in the order of the row."""
    for constraint in variant.constraints:
        if constraint.player in players:
            constraint.attach(players[constraint.player])


class Training(Lasting, ABC):
    """The state of one training and its step. Built on the device, from a row's parameters and one seed.

    pretrained: weights that an earlier training left, of the critic or of what makes the conditions.
    A subclass that overrides `__init__` keeps these five arguments, and names in `lasting` what its steps change.
    """

    def __init__(
        self, variant: Variant, shape: Shape, runtime: Runtime, seed: int, pretrained: dict[str, Tensor] | None
    ) -> None:
        self.variant, self.device = variant, torch.device(runtime.device)
        self._bfloat16 = runtime.precision == "bfloat16"

    @abstractmethod
    def step(self, batches: Batches) -> Figures:
        """One of the row's `steps`. Returns what the history records, each of shape ()."""

    @abstractmethod
    def generators(self) -> dict[str, nn.Module]:
        """What samples come from: `raw` as it is, which the grids show, and `ema`, its average."""

    def networks(self) -> dict[str, nn.Module]:
        """What else is saved, by its name on disk: a game has a critic, a baseline has nothing."""
        return {}

    def remembered(self) -> dict[str, Tensor]:
        """What is saved beside the networks: the objective's state, where it has one."""
        return {}

    def settle(self, batches: Batches) -> None:
        """Bring the generators in line with the data. Called before samples are drawn from them."""

    def held_out(self, real: Tensor) -> Figures:
        """Figures of real samples (N, *shape) that the training never sees, for each row of the history."""
        return {}

    @classmethod
    def build_generator(cls, variant: Variant, shape: Shape) -> nn.Module:
        """The module whose weights are saved, untrained: for `ganpipe sample`."""
        net = variant.generator.build(variant.latent.size, shape)
        attach(variant, {"generator": net})
        return net

    def _precision(self) -> AbstractContextManager[object]:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self._bfloat16)
