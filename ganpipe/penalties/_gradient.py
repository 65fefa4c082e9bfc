"""The gradient of the critic with respect to its input, one per sample."""

from __future__ import annotations

import torch
from torch import Tensor

from ganpipe.game import CriticFunction


def input_gradient(critic: CriticFunction, at: Tensor) -> Tensor:
    """dD/dx at each sample, (N, d): flattened over all but the batch axis, differentiable in the critic's weights.

    The sum of the scores has each sample's own gradient only where no layer couples samples; variants refuse others.
    """
    x = at.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(critic(x).score.sum(), x, create_graph=True)
    return gradient.flatten(1)
