"""Two players in turn (Goodfellow et al. 2014, algorithm 1): the state of a game and its step."""

from __future__ import annotations

import copy
from contextlib import AbstractContextManager

import torch
from torch import Tensor, nn, optim

from ganpipe.game import CriticFunction, Judgement, Round
from ganpipe.networks import Shape
from ganpipe.procedures.adversarial import Adversarial
from ganpipe.training.batches import Batches, packed
from ganpipe.training.streams import initialised_by, stream
from ganpipe.variant import Latent, Runtime, Variant

Figures = dict[str, Tensor]


def draw(latent: Latent, n: int, rng: torch.Generator) -> Tensor:
    """Latents, (n, size)."""
    shape = (n, latent.size)
    if latent.kind == "normal":
        return torch.randn(shape, generator=rng, device=rng.device)
    return 2 * torch.rand(shape, generator=rng, device=rng.device) - 1


class Game:
    """Both networks, their optimisers and random streams."""

    def __init__(
        self,
        variant: Variant,
        shape: Shape,
        runtime: Runtime,
        seed: int,
        pretrained: dict[str, Tensor] | None,
    ) -> None:
        procedure = variant.procedure
        assert isinstance(procedure, Adversarial)
        self.variant, self.procedure, self.device = variant, procedure, torch.device(runtime.device)
        with initialised_by(seed, "generator"):
            self.generator = variant.generator.build(variant.latent.size, shape).to(self.device)
        with initialised_by(seed, "critic"):
            self.critic = variant.critic.build((shape[0] * procedure.pack, *shape[1:])).to(self.device)
        if pretrained is not None:
            self.critic.load_state_dict(pretrained)
        for constraint in variant.constraints:
            constraint.attach(self.critic)
        self.average = copy.deepcopy(self.generator).requires_grad_(False)
        self.generator_optimizer = variant.generator_optimizer.build(self.generator.parameters())
        self.critic_optimizer = variant.critic_optimizer.build(self.critic.parameters())
        self.latents, self.chance = (
            stream(seed, "latents", self.device),
            stream(seed, "penalties", self.device),
        )
        self.steps, self._bfloat16 = 0, runtime.precision == "bfloat16"

    def step(self, batches: Batches) -> Figures:
        """One update of the critic, and after every `critic_steps` of them one of the generator."""
        figures = self._critic_step(next(batches))
        self.steps += 1
        if self.steps % self.procedure.critic_steps == 0:
            figures |= self._generator_step(next(batches))
        return figures

    def _critic_step(self, real: Tensor) -> Figures:
        self.critic.requires_grad_(True)
        with torch.no_grad(), self._precision():
            fake = self.generator(draw(self.variant.latent, len(real), self.latents)).float()
        # with a layer that couples samples a joint batch is another algorithm than two batches
        meet = Round if self.variant.critic.couples_samples else Round.joint
        game = meet(packed(real, self.procedure.pack), packed(fake, self.procedure.pack), self._judge)
        loss = self.variant.objective.critic(game).mean()
        figures = {
            "critic_loss": loss,
            "real_score": game.on_real.score.mean(),
            "fake_score": game.on_fake.score.mean(),
        }
        self._descend(self.critic_optimizer, "critic", loss, game, figures)
        for constraint in self.variant.constraints:
            constraint.enforce(self.critic)
        return figures

    def _generator_step(self, real: Tensor) -> Figures:
        self.critic.requires_grad_(False)
        with self._precision():
            fake = self.generator(draw(self.variant.latent, len(real), self.latents)).float()
        game = Round(packed(real, self.procedure.pack), packed(fake, self.procedure.pack), self._judge)
        loss = self.variant.objective.generator(game).mean()
        figures = {"generator_loss": loss}
        self._descend(self.generator_optimizer, "generator", loss, game, figures)
        self._update_average()
        return figures

    def _descend(self, optimizer: optim.Optimizer, player: str, loss: Tensor, game: Round, figures: Figures) -> None:
        """One step of a player down its loss and penalties; `figures` gets each penalty's value."""
        critic: CriticFunction = self.critic  # in float32 whatever the precision of the rest
        for penalty in self.variant.penalties:
            if penalty.player == player:
                value = penalty(critic, game, self.chance).mean()
                figures[penalty.kind], loss = value, loss + value
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        for name in figures:
            figures[name] = figures[name].detach()

    def _judge(self, x: Tensor) -> Judgement:
        with self._precision():
            judgement: Judgement = self.critic(x)
        code = judgement.code
        return Judgement(judgement.score.float(), None if code is None else code.float())

    def _precision(self) -> AbstractContextManager[object]:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self._bfloat16)

    def _update_average(self) -> None:
        """Exponential moving average of the generator's weights; buffers such as batch statistics are copied."""
        weights: list[Tensor] = list(self.generator.parameters())
        averaged: list[Tensor] = list(self.average.parameters())
        with torch.no_grad():
            torch._foreach_lerp_(averaged, weights, 1 - self.variant.ema)
        for kept, new in zip(self.average.buffers(), self.generator.buffers(), strict=True):
            kept.copy_(new)

    def generators(self) -> dict[str, nn.Module]:
        """What samples come from: the generator as it is, and its average."""
        return {"raw": self.generator, "ema": self.average}
