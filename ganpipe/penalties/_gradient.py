"""The gradient of the critic with respect to its input, and its norm, for each sample."""

from __future__ import annotations

import torch
from torch import Tensor

from ganpipe.critic import CriticFunction


def input_gradient(critic: CriticFunction, at: Tensor) -> Tensor:
    """dD/dx at samples (N, ...), flattened over all but the batch axis: (N, d), differentiable in the critic's weights.

    It is differentiable in the samples too where they have a history, as in the steps of an unrolled critic. The
    gradient of the sum of all scores is each sample's own only where no layer mixes samples; variants refuse others.
    """
    # a view: the weights of an unrolled critic depend on the samples themselves, which is no part of dD/dx
    x = at.view_as(at) if at.requires_grad else at.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(critic(x).score.sum(), x, create_graph=True)
    return gradient.flatten(1)


def gradient_norm(critic: CriticFunction, at: Tensor) -> Tensor:
    """|dD/dx| at samples (N, ...): (N,).

    Where the gradient is 0 the norm has no derivative, and that of a square root is NaN (its second derivative even
    with torch's subgradient of the norm): both are 0 here.
    """
    squared = input_gradient(critic, at).square().sum(1)
    is_zero = squared < 1e-24
    return torch.where(is_zero, 0.0, torch.where(is_zero, 1.0, squared).sqrt())
