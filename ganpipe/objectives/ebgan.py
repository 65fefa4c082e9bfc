"""Energy-based GAN: Zhao et al. 2016 (arXiv 1609.03126)."""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import Tensor
from torch.nn.functional import relu

from ganpipe.game import Round
from ganpipe.objectives import Objective
from ganpipe.params import Positive


class EBGAN(Objective):
    """r and f are energies. margin: the paper's m, in the energies' units: mean squared error per pixel."""

    kind: Literal["ebgan"]
    margin: Positive
    output_type: ClassVar[Literal["score", "energy"]] = "energy"

    def critic(self, batch: Round) -> Tensor:
        """r + relu(m - f): equation 1, the hinge per sample."""
        return batch.on_real.score + relu(self.margin - batch.on_fake.score)

    def generator(self, batch: Round) -> Tensor:
        """f: equation 2."""
        return batch.on_fake.score
