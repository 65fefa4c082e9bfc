"""Unrolling (Metz et al. 2017, arXiv 1611.02163): the critic after a few gradient steps that are not really taken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.func import functional_call

from ganpipe.critic import CriticFunction, CriticOutput
from ganpipe.parts import Frozen, Positive


class Unroll(Frozen):
    """The generator is updated against the critic after `steps` more gradient steps of size `lr` (0: as it is).

    Equations 7 to 11 of the paper.
    """

    steps: Annotated[int, Field(ge=0, le=100)]
    lr: Positive


def unrolled(critic: nn.Module, loss: Callable[[CriticFunction], Tensor], unroll: Unroll) -> CriticFunction:
    """The critic after `unroll.steps` steps of gradient descent on `loss`, differentiable through all of them.

    loss: of a critic, of shape (). The critic itself is not changed: the steps are taken on copies of its weights, and
    buffers (batch norm, spectral norm) are copied too. With 0 steps it is the critic itself.
    """
    weights: dict[str, Tensor] = {name: p.detach().requires_grad_(True) for name, p in critic.named_parameters()}
    buffers = {name: buffer.clone() for name, buffer in critic.named_buffers()}

    def run(x: Tensor) -> CriticOutput:
        output: CriticOutput = functional_call(critic, (weights, buffers), (x,))
        return output

    for _ in range(unroll.steps):
        # weights that the loss does not depend on, as in a block that is not grown yet, have gradient 0
        grads = torch.autograd.grad(loss(run), list(weights.values()), create_graph=True, materialize_grads=True)
        weights = {name: p - unroll.lr * grad for (name, p), grad in zip(weights.items(), grads, strict=True)}
    return run
