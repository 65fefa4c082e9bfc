"""Zhao et al. 2016, EBGAN (arXiv 1609.03126), equations 1 and 2: energies and a margin."""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import Tensor
from torch.nn.functional import relu

from ganpipe.game import Round
from ganpipe.objectives import Objective
from ganpipe.params import Positive


class EBGAN(Objective):
    """Critic: E(x) + relu(margin - E(G)), the hinge taken per sample. Generator: E(G).

    margin is in the units of the energy: the mean squared error per pixel of an autoencoder critic.
    """

    kind: Literal["ebgan"]
    margin: Positive
    output_type: ClassVar[Literal["score", "energy"]] = "energy"

    def critic(self, batch: Round) -> Tensor:
        return batch.on_real.score + relu(self.margin - batch.on_fake.score)

    def generator(self, batch: Round) -> Tensor:
        return batch.on_fake.score
