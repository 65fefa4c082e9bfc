"""Constraints: what holds on a network's weights themselves. One file each."""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import nn

from ganpipe.params import Part


class Constraint(Part):
    """Attached once when the network is built, enforced after each of its optimiser steps.

    player: whose weights. unrolls: it holds in the differentiable updates of an unrolled critic as well.
    """

    player: Literal["critic", "generator"]
    unrolls: ClassVar[bool] = True

    def attach(self, net: nn.Module) -> None:
        """Change the network's layers before its optimiser is made. Nothing by default."""

    def enforce(self, net: nn.Module) -> None:
        """Bring the weights back after a step. Nothing by default."""
