"""Constraints on the weights of a network, one file each."""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import nn

from ganpipe.parts import Part


class Constraint(Part):
    """Attached once when the network is built, enforced after each of its optimiser steps.

    network: whose weights. supports_unrolling: it also holds in the differentiable updates of an unrolled critic.
    divides_by_norm: it divides weights by a norm of them, which is undefined where all are 0.
    """

    network: Literal["critic", "generator"]
    supports_unrolling: ClassVar[bool] = True
    divides_by_norm: ClassVar[bool] = False

    def attach(self, net: nn.Module) -> None:
        """Change the network's layers before its optimiser is made. Nothing by default."""

    def enforce(self, net: nn.Module) -> None:
        """Project the weights after an optimiser step. Nothing by default."""
