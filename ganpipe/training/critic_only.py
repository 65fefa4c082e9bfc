"""A critic that is its own generator: what it finds by climbing its score are the negatives that it learns from."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from ganpipe.game import Judgement, Round
from ganpipe.networks import Shape
from ganpipe.networks.generators.climber import Climber, ClimberGenerator
from ganpipe.procedures.critic_only import CriticOnly
from ganpipe.training.average import update_average
from ganpipe.training.batches import Batches
from ganpipe.training.latents import draw
from ganpipe.training.protocol import Figures, Training, unused
from ganpipe.training.streams import initialised_by, stream
from ganpipe.variant import Runtime, Variant


class Game(Training):
    """The critic, its climber and its average; the state is the critic's weights, its optimiser and three streams.

    Nothing remembers earlier finds: training and sampling climb the same number of steps from the same latents, so
    that the reals meet the very distribution that samples come from. That distribution is not that of the critic's
    peaks, and another number of steps makes other samples. `ema` climbs the average of the critic; it has only seen
    the finds of others, and is as good as `raw` only where `ema` is short.
    """

    def __init__(
        self, variant: Variant, shape: Shape, runtime: Runtime, seed: int, pretrained: dict[str, Tensor] | None
    ) -> None:
        super().__init__(variant, shape, runtime, seed, pretrained)
        assert isinstance(variant.procedure, CriticOnly)
        self.procedure = variant.procedure
        with initialised_by(seed, "critic"):
            self.climber = _climber(variant, shape).to(self.device)
        self.critic = self.climber.critic
        if pretrained is not None:
            self.critic.load_state_dict(pretrained)
        with initialised_by(seed, "constraints"):
            for constraint in variant.constraints:
                constraint.attach(self.critic)
        self.average = copy.deepcopy(self.climber).requires_grad_(False)
        self.optimizer = variant.critic_optimizer.build(self.critic.parameters())
        self.latents, self.chance, self.noise = (
            stream(seed, name, self.device) for name in ("latents", "penalties", "instance noise")
        )
        self.state = variant.objective.initial_state(self.device)

    def step(self, batches: Batches) -> Figures:
        """One update of the critic on a batch of reals and as many finds, which it does not differentiate."""
        real = next(batches)
        if self.procedure.noise:
            real = real + self.procedure.noise * torch.randn(real.shape, generator=self.noise, device=self.device)
        found = self.climber(draw(self.variant.latent, len(real), self.latents))
        game = Round.joint(real, found, self._judge, self.state)
        loss = self.variant.objective.critic(game).mean()
        figures = {
            "critic_loss": loss,
            "real_score": game.on_real.score.mean(),
            "fake_score": game.on_fake.score.mean(),
        }
        for penalty in self.variant.penalties:
            value = penalty(self.critic, game, self.chance).mean()  # in float32 whatever the precision of the rest
            figures[unused(penalty.kind, figures)], loss = value, loss + value
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        for constraint in self.variant.constraints:
            constraint.enforce(self.critic)
        self.state = self.variant.objective.next_state(game)
        update_average(self.average, self.climber, self.variant.ema)
        return {name: figure.detach() for name, figure in figures.items()} | self.state

    def _judge(self, x: Tensor) -> Judgement:
        with self._precision():
            judgement: Judgement = self.critic(x)
        code = judgement.code
        return Judgement(judgement.score.float(), None if code is None else code.float())

    def generators(self) -> dict[str, nn.Module]:
        return {"raw": self.climber, "ema": self.average}

    def remembered(self) -> dict[str, Tensor]:
        return self.state

    def networks(self) -> dict[str, nn.Module]:
        return {"critic": self.critic}

    @classmethod
    def build_generator(cls, variant: Variant, shape: Shape) -> nn.Module:
        climber = _climber(variant, shape)
        for constraint in variant.constraints:
            constraint.attach(climber.critic)
        return climber


def _climber(variant: Variant, shape: Shape) -> Climber:
    generator = variant.generator
    assert isinstance(generator, ClimberGenerator)
    return generator.around(variant.critic.build(shape), shape, 1 if variant.objective.scale == "score" else -1)
