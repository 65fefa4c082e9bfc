"""Gulrajani et al. 2017, WGAN-GP (arXiv 1704.00028), equation 3, and its relatives."""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from torch import Generator, Tensor
from torch.nn.functional import relu

from ganpipe.game import CriticFunction, Round
from ganpipe.params import NonNegative
from ganpipe.penalties import Penalty
from ganpipe.penalties._gradient import gradient_norm


class GradientPenalty(Penalty):
    """weight * (|dD/dx| - target)^2 between real and fake, at x = a * real + (1 - a) * fake, one a ~ U[0, 1) a sample.

    target 1 is WGAN-GP, target 0 the zero-centred penalty. one_sided punishes only slopes above the target
    (Petzka et al. 2018, WGAN-LP, arXiv 1709.08894): a function is 1-Lipschitz when its slope is at most 1.
    """

    kind: Literal["gradient_penalty"]
    target: NonNegative
    one_sided: bool
    per_sample: ClassVar[bool] = True

    def __call__(self, critic: CriticFunction, batch: Round, rng: Generator) -> Tensor:
        shape = (len(batch.real),) + (1,) * (batch.real.ndim - 1)
        a = torch.rand(shape, generator=rng, device=batch.real.device)
        excess = gradient_norm(critic, a * batch.real + (1 - a) * batch.fake) - self.target
        return self.weight * (relu(excess) if self.one_sided else excess) ** 2
