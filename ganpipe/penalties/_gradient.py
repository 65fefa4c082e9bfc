"""The gradient of the critic with respect to its input, and its size, one per sample."""

from __future__ import annotations

import torch
from torch import Tensor

from ganpipe.game import CriticFunction


def input_gradient(critic: CriticFunction, at: Tensor) -> Tensor:
    """dD/dx at each sample, (N, d): flattened over all but the batch axis, differentiable in the critic's weights.

    It is differentiable in the samples too where they have a history, as in the steps of an unrolled critic. The sum
    of the scores has each sample's own gradient only where no layer couples samples; variants refuse others.
    """
    # a view: the weights of an unrolled critic depend on the samples themselves, and that is no slope of the critic
    x = at.view_as(at) if at.requires_grad else at.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(critic(x).score.sum(), x, create_graph=True)
    return gradient.flatten(1)


def gradient_norm(critic: CriticFunction, at: Tensor) -> Tensor:
    """|dD/dx| at each sample, (N,).

    At a slope of 0 the norm has no derivative and those of a root are NaN, the second even with torch's subgradient:
    all are 0 there.
    """
    squared = input_gradient(critic, at).square().sum(1)
    flat = squared < 1e-24
    return torch.where(flat, 0.0, torch.where(flat, 1.0, squared).sqrt())
