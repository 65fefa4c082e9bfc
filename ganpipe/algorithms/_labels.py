"""Generators of classes as functions of the latent alone, so that all that samples from a generator can."""

from __future__ import annotations

from math import sqrt

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from ganpipe.algorithms._stacked import StackedGenerator


class ClassLabels(nn.Module):
    """Labels as often as in the training data, as a generator: latents (N, 1) to one-hot labels (N, classes).

    z ~ N(0, 1), so Phi(z) is U(0, 1): the label is the class in whose share of [0, 1] it lies.
    """

    upper: Tensor

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.register_buffer("upper", torch.arange(1, classes + 1) / classes)

    def fill(self, labels: Tensor) -> None:
        """Take the shares of the classes among these labels (N,) int64."""
        counts = torch.bincount(labels, minlength=len(self.upper)).cumsum(0)
        self.upper.copy_(counts.double() / counts[-1])

    def forward(self, z: Tensor) -> Tensor:
        uniform = 0.5 * (1 + torch.erf(z / sqrt(2)))
        return one_hot((uniform >= self.upper[:-1]).sum(1), self.upper.shape[0]).float()

    def latents(self, labels: Tensor) -> Tensor:
        """Latents (N, 1) in the middle of the shares of these labels (N,) int64."""
        lower = torch.cat([self.upper.new_zeros(1), self.upper[:-1]])
        middle: Tensor = (lower + self.upper)[labels].double() / 2
        latents: Tensor = torch.special.ndtri(middle).float()[:, None]
        return latents


class LabelledGenerator(StackedGenerator):
    """G(z) = generator(rest of z, y), where the label y is made from the first number of z."""

    stage1: ClassLabels

    def __init__(self, classes: int, generator: nn.Module) -> None:
        super().__init__(ClassLabels(classes), generator, nn.Identity(), 1)

    @property
    def classes(self) -> int:
        return len(self.stage1.upper)

    @property
    def known(self) -> Tensor:
        """The labels of the classes that have a share, as those without a training image have not."""
        upper = self.stage1.upper
        return torch.diff(upper, prepend=upper.new_zeros(1)).nonzero()[:, 0]

    def labels(self, z: Tensor) -> Tensor:
        """The labels (N,) int64 that latents (N, L) ask for."""
        encoded: Tensor = self.stage1(z[:, :1])
        return encoded.argmax(1)

    def ask(self, z: Tensor, labels: Tensor) -> Tensor:
        """The latents (N, L) with these labels (N,) int64, all of them known, instead of their own."""
        return torch.cat([self.stage1.latents(labels).to(z.device), z[:, 1:]], 1)
