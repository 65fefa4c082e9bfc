"""A flow: samples are where a velocity carries noise; the algorithm `flow_matching` trains it."""

from __future__ import annotations

from math import prod
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field
from torch import Tensor, nn

from ganpipe.networks import GeneratorNetwork, Shape, VelocityNetwork, form_of
from ganpipe.parts import Choice


class Flow(nn.Module):
    """dx/dt = v(x, t) from x = z at t = 0 to the sample at t = 1, by the midpoint method with steps of equal length.

    Each of its steps, x + h v(x + h/2 v(x, t), t + h/2), takes two evaluations of the velocity, and its error falls
    with their square; a single evaluation is Euler's step, x + v(x, 0). Latents (N, L) to samples (N, *shape), from
    the first of the L numbers. Images are clamped to [-1, 1].
    """

    def __init__(self, velocity: nn.Module, shape: Shape, evaluations: int) -> None:
        super().__init__()
        self.velocity, self.shape, self.evaluations = velocity, shape, evaluations

    def start(self, z: Tensor) -> Tensor:
        """Where the latents (N, L) stand at t = 0: (N, *shape)."""
        return z[:, : prod(self.shape)].reshape(-1, *self.shape)

    def forward(self, z: Tensor) -> Tensor:
        x, steps = self.start(z), max(self.evaluations // 2, 1)
        h = 1 / steps
        for step in range(steps):
            v = self.velocity(x, x.new_full((x.shape[0],), step * h))
            if self.evaluations > 1:
                v = self.velocity(x + h / 2 * v, x.new_full((x.shape[0],), (step + 0.5) * h))
            x = x + h * v
        return x.clamp(-1, 1) if form_of(self.shape) == "images" else x


def _whole_steps(evaluations: int) -> int:
    if evaluations > 1 and evaluations % 2:
        raise ValueError("should be 1 or even, as a step of the midpoint method takes two evaluations")
    return evaluations


class FlowGenerator(GeneratorNetwork):
    """dx/dt = v(x, t) from x = z at t = 0 to t = 1, by steps of x + h v(x + h/2 v(x, t), t + h/2).

    evaluations: of the velocity for each sample, two in each step of the midpoint method; 1: one Euler step.

    `latent.size`: one number for each feature of a sample, or more.
    """

    kind: Literal["flow"]
    velocity: Annotated[VelocityNetwork, Choice("ganpipe.networks.velocities")]
    evaluations: Annotated[int, Field(ge=1, le=1000), AfterValidator(_whole_steps)]
    requires_algorithm: ClassVar[str | None] = "flow_matching"

    def incompatibility(self, shape: Shape) -> str | None:
        return self.velocity.incompatibility(shape)

    def latent_incompatibility(self, latent: int, shape: Shape) -> str | None:
        features = prod(shape)
        if latent >= features:
            return None
        return f"flow starts from {features} features, so use latent.size {features} or more, not {latent}"

    @property
    def evaluations_per_sample(self) -> int:
        return self.evaluations

    def build(self, latent: int, shape: Shape) -> nn.Module:
        return Flow(self.velocity.build(shape), shape, self.evaluations)
