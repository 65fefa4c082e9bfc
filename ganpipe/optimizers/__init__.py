"""Optimizers, one file each."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable

from torch import nn, optim

from ganpipe.parts import Part, Positive


class Optimizer(Part):
    """lr: the learning rate."""

    lr: Positive

    @abstractmethod
    def build(self, parameters: Iterable[nn.Parameter]) -> optim.Optimizer:
        """The torch optimizer over these parameters."""
