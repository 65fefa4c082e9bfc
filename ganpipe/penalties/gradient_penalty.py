"""WGAN-GP: Gulrajani et al. 2017 (arXiv 1704.00028), equation 3, and its relatives."""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from torch import Generator, Tensor
from torch.nn.functional import relu

from ganpipe.critic import CriticBatch, CriticFunction
from ganpipe.parts import NonNegative
from ganpipe.penalties import Penalty
from ganpipe.penalties._gradient import gradient_norm


class GradientPenalty(Penalty):
    """weight (|dD/dx| - target)^2 at a x + (1 - a) G(z), with one a ~ U[0, 1) per sample.

    weight: the paper's lambda. target: 1 for WGAN-GP, 0 for the zero-centred penalty. one_sided: only gradients above
    the target cost (WGAN-LP, Petzka et al. 2018, arXiv 1709.08894): a 1-Lipschitz function has a norm of at most 1.
    """

    kind: Literal["gradient_penalty"]
    target: NonNegative
    one_sided: bool
    uses_input_gradient: ClassVar[bool] = True

    def __call__(self, critic: CriticFunction, batch: CriticBatch, rng: Generator) -> Tensor:
        shape = (len(batch.real),) + (1,) * (batch.real.ndim - 1)
        a = torch.rand(shape, generator=rng, device=batch.real.device)
        excess = gradient_norm(critic, a * batch.real + (1 - a) * batch.fake) - self.target
        return self.weight * (relu(excess) if self.one_sided else excess) ** 2
