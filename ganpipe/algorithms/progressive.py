"""Progressive growing (Karras et al. 2018, arXiv 1710.10196): a GAN on small images first, then on larger ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import torch
from pydantic import Field, model_validator

from ganpipe.algorithms import Algorithm, Metrics, Trainer, Weights
from ganpipe.algorithms.adversarial import GANTrainer, plain_gan
from ganpipe.batches import Batch
from ganpipe.networks._growing import ProgressiveModule, blended
from ganpipe.parts import LARGEST, Count, Frozen, NonNegative, Positive, refuse

if TYPE_CHECKING:
    from ganpipe.config.variant import Runtime, Variant
    from ganpipe.networks import Shape


class Phase(Frozen):
    """A size in pixels. fade, stable: how long it is faded in, and then used alone, as parts of the whole training.

    batch: samples of each kind per update, in place of the variant's `batch`.
    """

    size: Annotated[int, Field(ge=4, le=LARGEST)]
    fade: NonNegative
    stable: Positive
    batch: Annotated[int, Field(ge=2, le=LARGEST)]


class Progressive(Algorithm):
    """critic_steps: updates of the critic before each update of the generator. phases: from small to large images."""

    kind: Literal["progressive"]
    critic_steps: Count
    phases: Annotated[tuple[Phase, ...], Field(strict=False, min_length=1)]
    requires_generator: ClassVar[str | None] = "progressive"
    requires_critic: ClassVar[str | None] = "progressive"
    supports_augmentation: ClassVar[bool] = True

    @model_validator(mode="after")
    def _rules(self) -> Progressive:
        for i, phase in enumerate(self.phases):
            if i == 0 and phase.fade:
                raise refuse(
                    "has nothing to be faded in over in the first phase; use 0", "phases", 0, "fade", value=phase.fade
                )
            if i and phase.size != 2 * self.phases[i - 1].size:
                sentence = f"is not twice the size before; use {2 * self.phases[i - 1].size}"
                raise refuse(sentence, "phases", i, "size", value=phase.size)
        return self

    def incompatibility(self, shape: tuple[int, ...]) -> str | None:
        last = self.phases[-1].size
        if shape[-1] != last:
            return f"the last phase of progressive growing is at {last} pixels, the images have {shape[-1]}"
        return None

    def phase_at(self, progress: float) -> tuple[Phase, float]:
        """The phase after this share of the training, and its alpha: 0 where it begins, 1 where it is faded in."""
        left = progress * sum(phase.fade + phase.stable for phase in self.phases)
        for phase in self.phases[:-1]:
            if left <= phase.fade + phase.stable:
                break
            left -= phase.fade + phase.stable
        else:
            phase = self.phases[-1]
        return phase, min(1.0, left / phase.fade) if phase.fade else 1.0

    def trainer(
        self, variant: Variant, shape: Shape, runtime: Runtime, seed: int, pretrained: Weights | None
    ) -> Trainer:
        return ProgressiveTrainer(self, variant, shape, runtime, seed, pretrained)


class ProgressiveTrainer(Trainer):
    """A GANTrainer whose networks get the size and alpha of the step before it; reals are blended as the fakes are.

    All blocks exist from the start, so the optimizers keep their state of the old blocks when a new one joins; blocks
    that are not in use have no gradient and stay as they are.
    """

    def __init__(
        self,
        algorithm: Progressive,
        variant: Variant,
        shape: Shape,
        runtime: Runtime,
        seed: int,
        pretrained: Weights | None,
    ) -> None:
        self.algorithm, self.total_steps = algorithm, variant.steps
        self.gan = GANTrainer(plain_gan(algorithm.critic_steps), variant, shape, runtime, seed, pretrained)
        self.generators, self.saved_networks = self.gan.generators, self.gan.saved_networks
        self.loss_state = self.gan.loss_state
        networks = (self.gan.generator, self.gan.critic, self.gan.ema)
        self.progressive_modules = [
            module for net in networks for module in net.modules() if isinstance(module, ProgressiveModule)
        ]

    def train_step(self, batches: Iterator[Batch]) -> Metrics:
        """One step of the GAN at the size and alpha of its number; at the last step the networks are fully grown."""
        phase, alpha = self._grow(self.gan.steps + 1)
        metrics = self.gan.train_step(_resized(batches, phase, alpha))
        self.loss_state = self.gan.loss_state
        return metrics

    def _grow(self, step: int) -> tuple[Phase, float]:
        phase, alpha = self.algorithm.phase_at(step / self.total_steps)
        for module in self.progressive_modules:
            module.grow_to(phase.size, alpha)
        return phase, alpha

    def state_dict(self) -> dict[str, Any]:
        return self.gan.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.gan.load_state_dict(state_dict)
        self.loss_state = self.gan.loss_state
        self._grow(self.gan.steps)


def _resized(batches: Iterator[Batch], phase: Phase, alpha: float) -> Iterator[Batch]:
    """Batches of `phase.batch` samples, blended to the phase's size and alpha; without labels, which no step reads."""
    while True:
        x = next(batches).x
        while len(x) < phase.batch:
            x = torch.cat([x, next(batches).x])
        yield Batch(blended(x[: phase.batch], phase.size, alpha))
