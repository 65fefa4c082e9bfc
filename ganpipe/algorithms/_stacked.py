"""Where pix2pix takes conditions from when it is sampled: training images, or a generator of an earlier training."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt

import torch
from torch import Tensor, nn

from ganpipe.batches import DataTransform

UINT8 = DataTransform("images", 1.0)


class TrainingConditions(nn.Module):
    """The conditions of `count` training images as a generator: latents (N, 1) to conditions (N, *shape) in [-1, 1].

    z ~ N(0, 1), so Phi(z) is U(0, 1) and each condition is equally likely. They are kept as uint8.
    """

    conditions: Tensor

    def __init__(self, count: int, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.register_buffer("conditions", torch.zeros((count, *shape), dtype=torch.uint8))

    def fill(self, conditions: Tensor) -> None:
        """Keep `count` of these (N, *shape), evenly spaced; fewer are repeated."""
        count = len(self.conditions)
        self.conditions.copy_(UINT8.to_data(conditions[torch.arange(count) * len(conditions) // count]))

    def forward(self, z: Tensor) -> Tensor:
        uniform, count = 0.5 * (1 + torch.erf(z[:, 0] / sqrt(2))), len(self.conditions)
        return UINT8.to_model(self.conditions[(uniform * count).long().clamp(max=count - 1)])


class StackedGenerator(nn.Module):
    """G(z) = translator(z_noise, project(stage1(z_condition))): z_condition is the first `split` numbers of z (N, L).

    project: maps what `stage1` generates to the nearest possible condition.
    """

    def __init__(
        self, stage1: nn.Module, translator: nn.Module, project: Callable[[Tensor], Tensor], split: int
    ) -> None:
        super().__init__()
        self._project, self._split = project, split
        self.stage1, self.translator = stage1, translator

    def forward(self, z: Tensor) -> Tensor:
        image: Tensor = self.translator(z[:, self._split :], self._project(self.stage1(z[:, : self._split])))
        return image
