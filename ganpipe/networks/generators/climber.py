"""A critic as its own generator: samples are found by climbing its score; the procedure `critic_only` trains it."""

from __future__ import annotations

from math import prod
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from ganpipe.networks import GeneratorNetwork, Shape, form_of
from ganpipe.params import Count, Positive


class Climber(nn.Module):
    """x_0 = z, x_{t+1} = x_t + rate * dD/dx(x_t): `steps` times uphill, within [-1, 1] for images.

    sign: -1 where the critic says an energy, low = real. The critic is in evaluation mode meanwhile, and the way up is
    not differentiated: the critic learns from where it ended.
    """

    def __init__(self, critic: nn.Module, shape: Shape, steps: int, rate: float, sign: int) -> None:
        super().__init__()
        self.critic = critic
        self.shape, self.steps, self.rate, self.sign = shape, steps, rate, sign

    def forward(self, z: Tensor) -> Tensor:
        return self.climb(z[:, : prod(self.shape)].reshape(-1, *self.shape))

    def climb(self, x: Tensor) -> Tensor:
        """Where `steps` steps from x lead to."""
        training = self.critic.training
        self.critic.eval()
        x = self._inside(x.detach())
        with torch.enable_grad():
            for _ in range(self.steps):
                x.requires_grad_(True)
                (slope,) = torch.autograd.grad(self.critic(x).score.sum(), x)
                x = self._inside(x.detach() + self.sign * self.rate * slope)
        self.critic.train(training)
        return x

    def _inside(self, x: Tensor) -> Tensor:
        return x.clamp(-1, 1) if form_of(self.shape) == "images" else x


class ClimberGenerator(GeneratorNetwork):
    """steps: of gradient ascent. rate: their size."""

    kind: Literal["climber"]
    steps: Count
    rate: Positive
    made_by: ClassVar[str | None] = "critic_only"

    def unfit_latent(self, latent: int, shape: Shape) -> str | None:
        features = prod(shape)
        if latent == features:
            return None
        return f"climber starts from one number for each of the {features} features, so use latent.size {features}"

    def around(self, critic: nn.Module, shape: Shape, sign: int) -> Climber:
        """The climber up this very critic, whose weights it shares."""
        return Climber(critic, shape, self.steps, self.rate, sign)
