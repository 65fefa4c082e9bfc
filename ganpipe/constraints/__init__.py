"""Constraints: what holds on a critic's weights themselves. One file each."""

from __future__ import annotations

from torch import nn

from ganpipe.params import Part


class Constraint(Part):
    """Attached once when the network is built, enforced after each of its optimiser steps."""

    def attach(self, net: nn.Module) -> None:
        """Change the network's layers before its optimiser is made. Nothing by default."""

    def enforce(self, net: nn.Module) -> None:
        """Bring the weights back after a step. Nothing by default."""
