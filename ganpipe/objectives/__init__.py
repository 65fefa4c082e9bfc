"""Objectives: the losses of critic and generator, one file each.

A loss is a pure function of a round, one value per sample; the caller takes the mean and minimises it.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from torch import Tensor

from ganpipe.game import Round, State
from ganpipe.params import Part


class Objective(Part):
    """The losses of both players. r = D(x), f = D(G(z)) in the docstrings of the members.

    output_type: what it reads of the critic: a `score`, any real number, high = real; or an `energy` >= 0, low = real.
    """

    output_type: ClassVar[Literal["score", "energy"]] = "score"

    @property
    def needs_lipschitz(self) -> bool:
        """Whether nothing in its loss bounds the critic, so that a penalty or constraint has to limit the slope."""
        return False

    @property
    def num_scores(self) -> int:
        """How many critics it reads; more than one needs a critic ensemble of that size."""
        return 1

    @property
    def has_state(self) -> bool:
        """Whether it remembers something from round to round."""
        return bool(self.initial_state(torch.device("cpu")))

    def initial_state(self, device: torch.device) -> State:
        """What `Round.state` holds in the first round. Nothing by default."""
        return {}

    def next_state(self, batch: Round) -> State:
        """The state after a critic's step in this round."""
        return batch.state

    def critic(self, batch: Round) -> Tensor:
        """The critic's loss, (N,)."""
        raise NotImplementedError

    def generator(self, batch: Round) -> Tensor:
        """The generator's loss, (N,)."""
        raise NotImplementedError
