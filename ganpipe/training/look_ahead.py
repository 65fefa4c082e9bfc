"""The critic after a few steps that have not been taken: unrolling (Metz et al. 2017, arXiv 1611.02163)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ganpipe.game import CriticFunction, Judgement


def look_ahead(critic: nn.Module, loss: Callable[[CriticFunction], Tensor], steps: int, lr: float) -> CriticFunction:
    """The critic after `steps` gradient steps of size `lr` down `loss`, differentiable through all of them.

    loss: of a critic function, (). The critic itself stays as it is: the steps are taken on copies of its weights, and
    its buffers (batch norm, spectral norm) are copies too, so nothing leaks out. With 0 steps: the critic's own values.
    """
    weights: dict[str, Tensor] = {name: p.detach().requires_grad_(True) for name, p in critic.named_parameters()}
    buffers = {name: buffer.clone() for name, buffer in critic.named_buffers()}

    def view(x: Tensor) -> Judgement:
        judgement: Judgement = functional_call(critic, (weights, buffers), (x,))
        return judgement

    for _ in range(steps):
        # weights that have no part in the loss, as in a block that is not grown yet, have the slope 0
        slopes = torch.autograd.grad(loss(view), list(weights.values()), create_graph=True, materialize_grads=True)
        weights = {name: p - lr * slope for (name, p), slope in zip(weights.items(), slopes, strict=True)}
    return view
