"""R1: Mescheder et al. 2018 (arXiv 1801.04406), section 4.1, the squared gradient of the critic at the reals."""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import Generator, Tensor

from ganpipe.critic import CriticBatch, CriticFunction, Samples
from ganpipe.penalties import Penalty


class R1(Penalty):
    """weight / 2 |dD/dx|^2 at the reals. weight: the paper's gamma."""

    kind: Literal["r1"]
    uses_input_gradient: ClassVar[bool] = True
    gradients_at: ClassVar[frozenset[Samples]] = frozenset({"real"})

    def __call__(self, critic: CriticFunction, batch: CriticBatch, rng: Generator) -> Tensor:
        return 0.5 * self.weight * batch.input_gradient("real").square().sum(1)
