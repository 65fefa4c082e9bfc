"""DRAGAN: Kodali et al. 2017 (arXiv 1705.07215), a gradient penalty around the data."""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from torch import Generator, Tensor

from ganpipe.critic import CriticBatch, CriticFunction
from ganpipe.parts import NonNegative, Positive
from ganpipe.penalties import Penalty
from ganpipe.penalties._gradient import gradient_norm


class DRAGAN(Penalty):
    """weight (|dD/dx| - target)^2 at x + a * noise_scale * std * U[0, 1), with one a ~ U[0, 1) per sample.

    weight, target: the paper's lambda and k. noise_scale: 0.5 in the authors' code. std: of the whole batch of reals.
    """

    kind: Literal["dragan"]
    target: NonNegative
    noise_scale: Positive
    uses_input_gradient: ClassVar[bool] = True

    def __call__(self, critic: CriticFunction, batch: CriticBatch, rng: Generator) -> Tensor:
        real = batch.real
        a = torch.rand((len(real),) + (1,) * (real.ndim - 1), generator=rng, device=real.device)
        noise = self.noise_scale * real.std() * torch.rand(real.shape, generator=rng, device=real.device)
        return self.weight * (gradient_norm(critic, real + a * noise) - self.target).square()
