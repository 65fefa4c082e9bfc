"""R2: Mescheder et al. 2018 (arXiv 1801.04406), section 4.1, the squared gradient of the critic at the fakes."""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import Generator, Tensor

from ganpipe.critic import CriticBatch, CriticFunction, Samples
from ganpipe.penalties import Penalty


class R2(Penalty):
    """weight / 2 |dD/dx|^2 at the fakes. weight: the paper's gamma."""

    kind: Literal["r2"]
    uses_input_gradient: ClassVar[bool] = True
    gradients_at: ClassVar[frozenset[Samples]] = frozenset({"fake"})

    def __call__(self, critic: CriticFunction, batch: CriticBatch, rng: Generator) -> Tensor:
        return 0.5 * self.weight * batch.input_gradient("fake").square().sum(1)
