"""Objectives: the two losses of a game, one file each.

A loss is a pure function of a round, one value per sample; the caller takes the mean and minimises it.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import Tensor

from ganpipe.game import Round
from ganpipe.params import Part


class Objective(Part):
    """The losses of both players. r = D(x), f = D(G(z)) in the docstrings of the members.

    scale: what the critic has to emit. A `score` is any real number, high = real; an `energy` is >= 0, low = real.
    """

    scale: ClassVar[Literal["score", "energy"]] = "score"

    def critic(self, game: Round) -> Tensor:
        """The critic's loss, (N,)."""
        raise NotImplementedError

    def generator(self, game: Round) -> Tensor:
        """The generator's loss, (N,)."""
        raise NotImplementedError
