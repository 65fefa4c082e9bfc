"""Zhao et al. 2016, EBGAN (arXiv 1609.03126), equations 1 and 2: energies and a margin."""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import Tensor
from torch.nn.functional import relu

from ganpipe.game import Round
from ganpipe.objectives import Objective
from ganpipe.params import Positive


class EnergyMargin(Objective):
    """Critic: E(x) + relu(margin - E(G)), the hinge taken per sample. Generator: E(G).

    margin is in the units of the energy: the mean squared error per pixel of an autoencoder critic.
    """

    kind: Literal["energy_margin"]
    margin: Positive
    scale: ClassVar[Literal["score", "energy"]] = "energy"

    def critic(self, game: Round) -> Tensor:
        return game.on_real.score + relu(self.margin - game.on_fake.score)

    def generator(self, game: Round) -> Tensor:
        return game.on_fake.score
