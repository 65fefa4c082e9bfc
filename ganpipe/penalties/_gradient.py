"""The norm of the gradient of the critic with respect to its input, for each sample."""

from __future__ import annotations

from torch import Tensor

from ganpipe.critic import CriticFunction, input_gradient


def gradient_norm(critic: CriticFunction, at: Tensor) -> Tensor:
    """|dD/dx| at samples (N, ...): (N,).

    Where the gradient is 0 the norm has no derivative, and that of a square root is NaN (its second derivative even
    with torch's subgradient of the norm): both are 0 here.
    """
    squared = input_gradient(critic, at).square().sum(1)
    is_zero = squared < 1e-24
    return squared.masked_fill(is_zero, 1.0).sqrt().masked_fill(is_zero, 0.0)  # torch.where would wait for the 0
