"""An energy-based model's sampler: gradient ascent on the critic's score; the algorithm `ebm` trains it."""

from __future__ import annotations

from math import prod
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from ganpipe.networks import GeneratorNetwork, Shape, form_of
from ganpipe.parts import Count, Positive


class GradientAscent(nn.Module):
    """x_0 = z, x_{t+1} = x_t + rate * dD/dx(x_t): `steps` times, kept in [-1, 1] for images.

    Latents (N, L) to samples (N, *shape), from the first of the L numbers. sign: -1 where the critic's output
    is an energy, low = real. The critic, none of whose layers may mix samples, is in evaluation mode for it; the
    result has no gradient.
    """

    def __init__(self, critic: nn.Module, shape: Shape, steps: int, rate: float, sign: int) -> None:
        super().__init__()
        self.critic = critic
        self.shape, self.steps, self.rate, self.sign = shape, steps, rate, sign

    def forward(self, z: Tensor) -> Tensor:
        training = self.critic.training
        self.critic.eval()
        x = self._in_range(z[:, : prod(self.shape)].detach().reshape(-1, *self.shape))
        with torch.enable_grad():
            for _ in range(self.steps):
                x.requires_grad_(True)
                (gradient,) = torch.autograd.grad(self.critic(x).score.sum(), x)
                x = self._in_range(x.detach() + self.sign * self.rate * gradient)
        self.critic.train(training)
        return x

    def _in_range(self, x: Tensor) -> Tensor:
        return x.clamp(-1, 1) if form_of(self.shape) == "images" else x


class GradientAscentGenerator(GeneratorNetwork):
    """steps: of gradient ascent. rate: the factor of the gradient in each.

    `latent.size`: one number for each feature of a sample, or more.
    """

    kind: Literal["gradient_ascent"]
    steps: Count
    rate: Positive
    requires_algorithm: ClassVar[str | None] = "ebm"

    def latent_incompatibility(self, latent: int, shape: Shape) -> str | None:
        features = prod(shape)
        if latent >= features:
            return None
        return f"gradient_ascent starts from {features} features, so use latent.size {features} or more, not {latent}"

    @property
    def evaluations_per_sample(self) -> int:
        """Of the critic, forward and back."""
        return self.steps

    def build_sampler(self, critic: nn.Module, shape: Shape, sign: int) -> GradientAscent:
        """The sampler around this critic, whose weights it shares. sign: 1 up a score, -1 down an energy."""
        return GradientAscent(critic, shape, self.steps, self.rate, sign)
