"""A critic that is its own generator: what it finds by climbing its score are the negatives that it learns from."""

from __future__ import annotations

import copy
from typing import ClassVar

import torch
from torch import Tensor, nn

from ganpipe.networks import Shape
from ganpipe.networks.generators.gradient_ascent import GradientAscent, GradientAscentGenerator
from ganpipe.procedures.critic_only import CriticOnly
from ganpipe.training.average import update_average
from ganpipe.training.batches import Batches
from ganpipe.training.latents import draw
from ganpipe.training.playing import Playing
from ganpipe.training.protocol import Figures, attach
from ganpipe.training.streams import initialised_by
from ganpipe.variant import Runtime, Variant


class Game(Playing):
    """The critic, its climber and its average; the state is the critic's weights, its optimiser and three streams.

    Nothing remembers earlier finds: training and sampling climb the same number of steps from the same latents, so
    that the reals meet the very distribution that samples come from. That distribution is not that of the critic's
    peaks, and another number of steps makes other samples. `ema` climbs the average of the critic; it has only seen
    the finds of others, and is as good as `raw` only where `ema` is short.
    """

    lasting: ClassVar[tuple[str, ...]] = (*Playing.lasting, "average")

    def __init__(
        self, variant: Variant, shape: Shape, runtime: Runtime, seed: int, pretrained: dict[str, Tensor] | None
    ) -> None:
        super().__init__(variant, shape, runtime, seed, pretrained)
        assert isinstance(variant.procedure, CriticOnly)
        self.procedure = variant.procedure
        with initialised_by(seed, "critic"):
            self.climber = _climber(variant, shape).to(self.device)
        self._seat({"critic": self.climber.critic}, seed, pretrained)
        self.average = copy.deepcopy(self.climber).requires_grad_(False)

    def step(self, batches: Batches) -> Figures:
        """One update of the critic on a batch of reals and as many finds, which it does not differentiate."""
        real = next(batches)
        if self.procedure.noise:
            real = real + self.procedure.noise * torch.randn(real.shape, generator=self.noise, device=self.device)
        found = self.climber(draw(self.variant.latent, len(real), self.latents))
        figures = self._learn(real, found)
        update_average(self.average, self.climber, self.variant.ema)
        return figures

    def generators(self) -> dict[str, nn.Module]:
        return {"raw": self.climber, "ema": self.average}

    @classmethod
    def build_generator(cls, variant: Variant, shape: Shape) -> nn.Module:
        climber = _climber(variant, shape)
        attach(variant, {"critic": climber.critic})
        return climber


def _climber(variant: Variant, shape: Shape) -> GradientAscent:
    generator = variant.generator
    assert isinstance(generator, GradientAscentGenerator)
    return generator.around(variant.critic.build(shape), shape, 1 if variant.objective.output_type == "score" else -1)
