"""Energy-based GAN: Zhao et al. 2016 (arXiv 1609.03126)."""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import Tensor
from torch.nn.functional import relu

from ganpipe.critic import CriticBatch
from ganpipe.objectives import Objective
from ganpipe.parts import Positive
from ganpipe.utils.conventions import ACTIVE_HINGE


class EBGAN(Objective):
    """r and f are energies. margin: the paper's m, in the energies' units: mean squared error per pixel."""

    kind: Literal["ebgan"]
    margin: Positive
    output_type: ClassVar[Literal["score", "energy"]] = "energy"

    def metrics(self, batch: CriticBatch) -> dict[str, Tensor]:
        """The share of generated samples with f < m: the others give the critic no gradient."""
        return {ACTIVE_HINGE: (batch.fake_output.score < self.margin).float().mean()}

    def critic(self, batch: CriticBatch) -> Tensor:
        """r + relu(m - f): equation 1, the hinge per sample."""
        return batch.real_output.score + relu(self.margin - batch.fake_output.score)

    def generator(self, batch: CriticBatch) -> Tensor:
        """f: equation 2."""
        return batch.fake_output.score
