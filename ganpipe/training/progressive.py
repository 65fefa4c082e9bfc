"""Progressive growing (Karras et al. 2018, arXiv 1710.10196): the turns of two players, at a size that grows."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ganpipe.networks import Shape
from ganpipe.networks._growing import ProgressiveModule, blended
from ganpipe.procedures.adversarial import turns
from ganpipe.procedures.progressive import Progressive
from ganpipe.training import adversarial
from ganpipe.training.batches import Batches
from ganpipe.training.protocol import Figures
from ganpipe.variant import Runtime, Variant


class Game(adversarial.Game):
    """Before each step all networks get the size and alpha of the moment; reals are blended as the fakes are.

    All blocks exist from the start, so the optimisers keep what they know of the old blocks when a new one joins;
    blocks that are not in use have no gradient and are left alone.
    """

    def __init__(
        self, variant: Variant, shape: Shape, runtime: Runtime, seed: int, pretrained: dict[str, Tensor] | None
    ) -> None:
        procedure = variant.procedure
        assert isinstance(procedure, Progressive)
        plain = variant.model_copy(update={"procedure": turns(procedure.critic_steps)})
        super().__init__(plain, shape, runtime, seed, pretrained)
        self._schedule = procedure
        self._phase, self._alpha = procedure.at(0.0)
        self._growing = [
            module
            for net in (self.generator, self.critic, self.average)
            for module in net.modules()
            if isinstance(module, ProgressiveModule)
        ]

    def step(self, batches: Batches) -> Figures:
        self._batches = batches
        self._grow(self.steps + 1)
        return super().step(batches)

    def _grow(self, step: int) -> None:
        # the last step stands at 1, so the networks that are saved are fully grown
        self._phase, self._alpha = self._schedule.at(step / self.variant.steps)
        for module in self._growing:
            module.grow_to(self._phase.size, self._alpha)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict(state_dict)
        self._grow(self.steps)

    def _critic_step(self, real: Tensor) -> Figures:
        return super()._critic_step(self._as_fakes_are(real))

    def _generator_step(self, real: Tensor) -> Figures:
        return super()._generator_step(self._as_fakes_are(real))

    def _as_fakes_are(self, real: Tensor) -> Tensor:
        """As many reals as the phase asks for, at its size and alpha; each batch is a random part of the data."""
        while len(real) < self._phase.batch:
            real = torch.cat([real, next(self._batches)])
        return blended(real[: self._phase.batch], self._phase.size, self._alpha)
