"""Translation (Isola et al. 2017, arXiv 1611.07004), alone or on top of a first GAN that makes the conditions."""

from __future__ import annotations

import copy
import importlib
from math import sqrt

import torch
from torch import Tensor, nn, optim
from torch.nn.functional import interpolate

from ganpipe.game import Round
from ganpipe.networks import Shape
from ganpipe.procedures.adversarial import turns
from ganpipe.procedures.translation import Translation
from ganpipe.training import adversarial
from ganpipe.training.batches import Batches, Space
from ganpipe.training.latents import draw
from ganpipe.training.protocol import Figures, attach
from ganpipe.variant import Runtime, Variant

GREYS = Space("images", 1.0)


class Observed(nn.Module):
    """The conditions of `count` training images, as a generator: the latent's one number picks one.

    z ~ N(0, 1), so Phi(z) is U(0, 1) and each condition is as likely. shape: of a condition; kept as 256 greys.
    """

    conditions: Tensor

    def __init__(self, count: int, shape: Shape) -> None:
        super().__init__()
        self.register_buffer("conditions", torch.zeros((count, *shape), dtype=torch.uint8))

    def take(self, conditions: Tensor) -> None:
        """Keep as many of these (N, *shape), evenly spread, as there is room for; fewer are repeated."""
        count = len(self.conditions)
        self.conditions.copy_(GREYS.to_data(conditions[torch.arange(count) * len(conditions) // count]))

    def forward(self, z: Tensor) -> Tensor:
        uniform, count = 0.5 * (1 + torch.erf(z[:, 0] / sqrt(2))), len(self.conditions)
        return GREYS.to_model(self.conditions[(uniform * count).long().clamp(max=count - 1)])


class Stack(nn.Module):
    """G(z) = translator(noise, first(z_first)): the first so many numbers of z (N, L) are for the condition."""

    def __init__(self, variant: Variant, first: nn.Module, translator: nn.Module) -> None:
        super().__init__()
        assert isinstance(variant.procedure, Translation)
        self._nearest, self._split = variant.procedure.condition.nearest, variant.condition_latent
        self.first, self.translator = first, translator

    def forward(self, z: Tensor) -> Tensor:
        made: Tensor = self.translator(z[:, self._split :], self._nearest(self.first(z[:, : self._split])))
        return made


class Game(adversarial.Game):
    """The second player's game: real and generated images, both beside the condition of the real one.

    pretrained: the weights of the generator that a row's `first` trained.
    """

    def __init__(
        self, variant: Variant, shape: Shape, runtime: Runtime, seed: int, pretrained: dict[str, Tensor] | None
    ) -> None:
        assert isinstance(variant.procedure, Translation)
        self.translation, self.whole = variant.procedure, variant
        self.first = _first(variant, shape)
        plain = variant.model_copy(update={"procedure": turns(variant.procedure.critic_steps)})
        super().__init__(plain, shape, runtime, seed, pretrained)
        self.first.to(self.device)
        self.stacks = {
            "raw": Stack(variant, self.first, self.generator),
            # with a copy of the first: its batch statistics are taken anew before it is sampled
            "ema": Stack(variant, copy.deepcopy(self.first), self.average),
        }

    def _new_generator(self, shape: Shape) -> nn.Module:
        return _translator(self.whole, shape)

    def _channels(self, shape: Shape) -> int:
        return shape[0] + self.translation.given(shape)[0]

    def _start_from(self, pretrained: dict[str, Tensor]) -> None:
        self.first.load_state_dict(pretrained)

    def _made(self, real: Tensor) -> Tensor:
        self._condition = self.translation.condition.of(real)
        z = draw(self.variant.latent, len(real), self.latents)
        made: Tensor = self.generator(z[:, self.whole.condition_latent :], self._condition)
        return made.float()

    def _shown(self, x: Tensor) -> Tensor:
        return torch.cat([interpolate(self._condition, size=x.shape[2:]), x], 1)

    def _descend(self, optimizer: optim.Optimizer, player: str, loss: Tensor, game: Round, figures: Figures) -> None:
        if player == "generator" and self.translation.l1:
            above = len(self._condition[0])
            figures["l1"] = self.translation.l1 * (game.fake[:, above:] - game.real[:, above:]).abs().mean()
            loss = loss + figures["l1"]
        super()._descend(optimizer, player, loss, game, figures)

    def settle(self, batches: Batches) -> None:
        for stack in self.stacks.values():
            if isinstance(stack.first, Observed):
                stack.first.take(torch.cat([self.translation.condition.of(x) for x in batches.everything()]))

    def generators(self) -> dict[str, nn.Module]:
        return dict(self.stacks)

    @classmethod
    def build_generator(cls, variant: Variant, shape: Shape) -> nn.Module:
        translator = _translator(variant, shape)
        attach(variant, {"generator": translator})
        return Stack(variant, _first(variant, shape), translator)


def _translator(variant: Variant, shape: Shape) -> nn.Module:
    noise = variant.latent.size - variant.condition_latent
    return variant.generator.build_translator(noise, variant.procedure.given(shape), shape)


def _first(variant: Variant, shape: Shape) -> nn.Module:
    """Where conditions come from, untrained."""
    given, procedure, first = variant.procedure.given(shape), variant.procedure, variant.first
    assert isinstance(procedure, Translation)
    if first is None:
        return Observed(procedure.observed, given)
    way = importlib.import_module(f"ganpipe.training.{first.procedure.kind}")
    net: nn.Module = way.Game.build_generator(first, given)
    return net.requires_grad_(False)
