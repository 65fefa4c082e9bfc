"""Two players in turn (Goodfellow et al. 2014, algorithm 1): the state of a game and its step."""

from __future__ import annotations

import copy
from typing import ClassVar

import torch
from torch import Tensor, nn

from ganpipe.game import CriticFunction, Round
from ganpipe.networks import Shape
from ganpipe.procedures.adversarial import Adversarial
from ganpipe.training.average import update_average
from ganpipe.training.batches import Batches, packed
from ganpipe.training.latents import draw
from ganpipe.training.look_ahead import look_ahead
from ganpipe.training.playing import Playing
from ganpipe.training.protocol import Figures
from ganpipe.training.streams import initialised_by
from ganpipe.variant import Runtime, Variant


class Game(Playing):
    """Both networks, their optimisers and the average of the generator."""

    lasting: ClassVar[tuple[str, ...]] = (*Playing.lasting, "generator", "generator_optimizer", "average", "steps")

    def __init__(
        self,
        variant: Variant,
        shape: Shape,
        runtime: Runtime,
        seed: int,
        pretrained: dict[str, Tensor] | None,
    ) -> None:
        super().__init__(variant, shape, runtime, seed, pretrained)
        assert isinstance(variant.procedure, Adversarial)
        self.procedure = variant.procedure
        with initialised_by(seed, "generator"):
            self.generator = self._new_generator(shape).to(self.device)
        with initialised_by(seed, "critic"):
            critic = variant.critic.build((self._channels(shape), *shape[1:])).to(self.device)
        self._seat({"critic": critic, "generator": self.generator}, seed, pretrained)
        self.average = copy.deepcopy(self.generator).requires_grad_(False)
        self.generator_optimizer = variant.generator_optimizer.build(self.generator.parameters())
        self.steps = 0

    def _new_generator(self, shape: Shape) -> nn.Module:
        return self.variant.generator.build(self.variant.latent.size, shape)

    def _channels(self, shape: Shape) -> int:
        """Of what the critic sees."""
        return shape[0] * self.procedure.pack

    def step(self, batches: Batches) -> Figures:
        """One update of the critic, and after every `critic_steps` of them one of the generator."""
        self.steps += 1
        figures = self._critic_step(next(batches))
        if self.steps % self.procedure.critic_steps == 0:
            figures |= self._generator_step(next(batches))
        return figures

    def _critic_step(self, real: Tensor) -> Figures:
        self.critic.requires_grad_(True)
        with torch.no_grad(), self._precision():
            fake = self._made(real)
        return self._learn(self._shown(real), self._shown(fake))

    def _generator_step(self, real: Tensor) -> Figures:
        self.critic.requires_grad_(False)
        with self._precision():
            fake = self._made(real)
        real, fake = self._shown(real), self._shown(fake)
        unroll = self.procedure.unroll
        critic: CriticFunction = self._judge
        if unroll.steps:
            critic = look_ahead(self.critic, lambda view: self._critic_loss(view, real, fake), unroll.steps, unroll.lr)
        game = Round(real, fake, critic, self.state)
        loss = self.variant.objective.generator(game).mean()
        figures = {"generator_loss": loss}
        self._descend(self.generator_optimizer, "generator", loss, game, figures)
        update_average(self.average, self.generator, self.variant.ema)
        return figures

    def _made(self, real: Tensor) -> Tensor:
        """As many generated samples as there are reals."""
        made: Tensor = self.generator(draw(self.variant.latent, len(real), self.latents))
        return made.float()

    def _critic_loss(self, critic: CriticFunction, real: Tensor, fake: Tensor) -> Tensor:
        """What the critic minimises, penalties included, of any critic function: for looking ahead."""
        game = self._meet(real, fake, critic)
        penalties = [p(critic, game, self.chance).mean() for p in self.variant.penalties if p.player == "critic"]
        return torch.stack([self.variant.objective.critic(game).mean(), *penalties]).sum()

    def _shown(self, x: Tensor) -> Tensor:
        """What the critic gets to see of samples: with instance noise, packed."""
        if self.procedure.instance_noise:
            left = (self.variant.steps - self.steps) / max(self.variant.steps - 1, 1)
            x = x + self.procedure.instance_noise * left * torch.randn(x.shape, generator=self.noise, device=x.device)
        return packed(x, self.procedure.pack)

    def generators(self) -> dict[str, nn.Module]:
        return {"raw": self.generator, "ema": self.average}
