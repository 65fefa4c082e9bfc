"""Unrolling (Metz et al. 2017, arXiv 1611.02163): the critic after a few optimizer steps that are not really taken."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn, optim
from torch.func import functional_call

from ganpipe.critic import CriticFunction, CriticOutput


def unrolled(
    critic: nn.Module, loss: Callable[[CriticFunction], Tensor], optimizer: optim.Optimizer, steps: int
) -> CriticFunction:
    """The critic after so many more steps of its optimizer down `loss`, differentiable through all of them.

    Equations 7 to 9 of the paper, with Adam in place of gradient descent, as in its experiments. loss: of a critic, of
    shape (). optimizer: the critic's Adam, whose rate, betas and moments the steps start from. Neither it nor the
    critic is changed: the steps are taken on copies of the weights, and buffers (batch norm, spectral norm) are copied
    too. With 0 steps it is the critic itself.
    """
    weights: dict[str, Tensor] = {name: p.detach().requires_grad_(True) for name, p in critic.named_parameters()}
    buffers = {name: buffer.clone() for name, buffer in critic.named_buffers()}
    ahead = [AdamAhead(optimizer, p) for p in critic.parameters()]

    def run(x: Tensor) -> CriticOutput:
        output: CriticOutput = functional_call(critic, (weights, buffers), (x,))
        return output

    for _ in range(steps):
        # weights that the loss does not depend on, as in a block that is not grown yet, have gradient 0
        grads = torch.autograd.grad(loss(run), list(weights.values()), create_graph=True, materialize_grads=True)
        weights = {
            name: one.step(weight, grad)
            for (name, weight), grad, one in zip(weights.items(), grads, ahead, strict=True)
        }
    return run


class AdamAhead:
    """Differentiable steps of Adam (arXiv 1412.6980, algorithm 1) for one parameter, from the optimizer's moments on.

    The root is sqrt(v + eps^2) and not sqrt(v) + eps, of which the derivative at v = 0, the gradient of a dead unit, is
    infinite. `torch.optim.Adam(differentiable=True)` has NaN there and changes its own state.
    """

    def __init__(self, optimizer: optim.Optimizer, parameter: nn.Parameter) -> None:
        group, state = optimizer.param_groups[0], optimizer.state.get(parameter, {})
        self.lr, self.eps, (self.beta1, self.beta2) = group["lr"], group["eps"], group["betas"]
        self.t = int(state["step"]) if state else 0
        self.m, self.v = (state.get(name, torch.zeros_like(parameter)) for name in ("exp_avg", "exp_avg_sq"))

    def step(self, weight: Tensor, grad: Tensor) -> Tensor:
        """The weight after one more step."""
        self.t += 1
        self.m = self.beta1 * self.m + (1 - self.beta1) * grad
        self.v = self.beta2 * self.v + (1 - self.beta2) * grad**2
        m, v = self.m / (1 - self.beta1**self.t), self.v / (1 - self.beta2**self.t)
        after: Tensor = weight - self.lr * m / (v + self.eps**2).sqrt()
        return after
