"""pix2pix (Isola et al. 2017, arXiv 1611.07004): a conditional GAN, from an image of less detail to an image.

The condition, the image of less detail, is computed from the real image. In a stack (StackGAN, Zhang et al. 2017, arXiv
1612.03242) the generator of an earlier training makes the conditions of generated images.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import interpolate

from ganpipe.algorithms import Algorithm, Metrics, Trainer, Weights
from ganpipe.algorithms._stacked import StackedGenerator, TrainingConditions
from ganpipe.algorithms._steps import (
    attach_constraints,
    autocast,
    autocast_critic,
    critic_batch,
    enforce_constraints,
    gradient_norm,
    initial_loss_state,
    next_loss_state,
    optimizer_step,
    penalty_terms,
)
from ganpipe.batches import Batch, Batches
from ganpipe.conditions import Condition
from ganpipe.critic import CriticBatch
from ganpipe.parts import Choice, Count, NonNegative
from ganpipe.utils.ema import update_ema
from ganpipe.utils.rng import make_rng, sample_latents, seeded_init
from ganpipe.utils.state import StateMixin

if TYPE_CHECKING:
    from ganpipe.config.variant import Runtime, Variant
    from ganpipe.networks import Shape


class Pix2Pix(Algorithm):
    """The generator maps a condition and noise to an image; the critic sees the image beside the condition.

    critic_steps: updates of the critic before each update of the generator. l1: weight of mean |G(z, c) - x| over the
    features of a sample in the generator's loss, where c is the condition of x (equation 4). num_conditions: how many
    conditions of training images to keep and draw from in sampling, where no `stage1` generates the conditions.
    Objectives and penalties that compare or perturb samples see the condition as further features of them.
    """

    kind: Literal["pix2pix"]
    condition: Annotated[Condition, Choice("ganpipe.conditions")]
    critic_steps: Count
    l1: NonNegative
    num_conditions: Annotated[int, Field(ge=1, le=100_000)]
    is_conditional: ClassVar[bool] = True
    supports_pretraining: ClassVar[bool] = False
    requires_normal_latent: ClassVar[bool] = True

    def incompatibility(self, shape: tuple[int, ...]) -> str | None:
        if len(shape) != 3:
            return "pix2pix maps images to images, the data are points"
        return self.condition.incompatibility(shape)

    def condition_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return self.condition.shape(shape)

    def trainer(
        self, variant: Variant, shape: Shape, runtime: Runtime, seed: int, pretrained: Weights | None
    ) -> Trainer:
        return Pix2PixTrainer(self, variant, shape, runtime, seed, pretrained)

    def build_generator(self, variant: Variant, shape: Shape) -> nn.Module:
        translator = self.build_translator(variant, shape)
        attach_constraints(variant, {"generator": translator})
        return self.stack(variant, self.build_stage1(variant, shape), translator)

    def build_translator(self, variant: Variant, shape: Shape) -> nn.Module:
        """Noise (N, latent.size - condition_latent) and conditions (N, *condition_shape) to images (N, *shape)."""
        return variant.generator.build_translator(
            variant.latent.size - variant.condition_latent, self.condition_shape(shape), shape
        )

    def build_stage1(self, variant: Variant, shape: Shape) -> nn.Module:
        """The generator of conditions for sampling, untrained: that of `stage1`, or training conditions."""
        condition_shape, stage1 = self.condition_shape(shape), variant.stage1
        if stage1 is None:
            return TrainingConditions(self.num_conditions, condition_shape)
        return stage1.algorithm.build_generator(stage1, condition_shape).requires_grad_(False)

    def stack(self, variant: Variant, stage1: nn.Module, translator: nn.Module) -> StackedGenerator:
        return StackedGenerator(stage1, translator, self.condition.nearest, variant.condition_latent)


class Pix2PixTrainer(StateMixin, Trainer):
    """The networks, their optimizers, the random generators and the state of the loss.

    pretrained: the weights of the generator of the variant's `stage1`, which stay as they are.
    """

    state_attrs: ClassVar[tuple[str, ...]] = (
        *("generator", "critic", "ema", "generator_optimizer", "critic_optimizer"),
        *("latent_rng", "penalty_rng", "loss_state", "steps"),
    )

    def __init__(
        self,
        algorithm: Pix2Pix,
        variant: Variant,
        shape: Shape,
        runtime: Runtime,
        seed: int,
        pretrained: Weights | None,
    ) -> None:
        self.algorithm, self.variant, self.runtime = algorithm, variant, runtime
        stage1 = algorithm.build_stage1(variant, shape)
        with seeded_init(seed, "generator"):
            self.generator = algorithm.build_translator(variant, shape).to(runtime.device)
        with seeded_init(seed, "critic"):
            channels = shape[0] + algorithm.condition_shape(shape)[0]
            self.critic = variant.critic.build((channels, *shape[1:])).to(runtime.device)
        if pretrained is not None:
            stage1.load_state_dict(pretrained)
        with seeded_init(seed, "constraints"):
            attach_constraints(variant, {"critic": self.critic, "generator": self.generator})
        self.ema = copy.deepcopy(self.generator).requires_grad_(False)
        self.generator_optimizer = variant.generator_optimizer.build(self.generator.parameters())
        self.critic_optimizer = variant.critic_optimizer.build(self.critic.parameters())
        self.latent_rng, self.penalty_rng = (make_rng(seed, name, runtime.device) for name in ("latents", "penalties"))
        self.loss_state = initial_loss_state(variant, runtime.device)
        self.steps, self.progress = 0, 0.0
        stage1.to(runtime.device)
        # the average has a `stage1` of its own, as its batch statistics are computed anew before it is sampled
        self.generators = {
            "raw": algorithm.stack(variant, stage1, self.generator),
            "ema": algorithm.stack(variant, copy.deepcopy(stage1), self.ema),
        }
        self.saved_networks = {"critic": self.critic}

    def train_step(self, batches: Iterator[Batch]) -> Metrics:
        """One update of the critic, and after every `critic_steps` of them one of the generator."""
        self.progress = self.steps / self.variant.steps
        self.variant.generator_optimizer.follow_schedules(self.generator_optimizer, self.progress)
        self.variant.critic_optimizer.follow_schedules(self.critic_optimizer, self.progress)
        self.steps += 1
        metrics = self.critic_step(next(batches).x)
        if self.steps % self.algorithm.critic_steps == 0:
            metrics |= self.generator_step(next(batches).x)
        return metrics

    def critic_step(self, real: Tensor) -> Metrics:
        """One optimizer step of the critic on pairs: (condition, real image) and (condition, generated image)."""
        self.critic.requires_grad_(True)
        condition = self.algorithm.condition.compute(real)
        with torch.no_grad():
            fake = self.generate(condition)
        real, fake = concat_condition(condition, real), concat_condition(condition, fake)
        critic = autocast_critic(self.critic, self.runtime)
        batch = critic_batch(self.variant, real, fake, critic, self.loss_state)
        loss = self.variant.objective.critic(batch).mean()
        scores = {"real_score": batch.real_output.score.mean(), "fake_score": batch.fake_output.score.mean()}
        penalties = penalty_terms(self.variant, "critic", critic, batch, self.penalty_rng, self.progress)

        optimizer_step(self.critic_optimizer, loss, *penalties.values())
        gradient = gradient_norm(self.variant, "critic", self.critic, self.steps)
        enforce_constraints(self.variant, "critic", self.critic)
        self.loss_state = next_loss_state(self.variant, batch, self.progress)
        own = self.variant.objective.metrics(batch)
        return {"critic_loss": loss, **scores, **penalties, **self.loss_state, **own, **gradient}

    def generator_step(self, real: Tensor) -> Metrics:
        """One optimizer step of the generator down the objective and l1 * mean |G(z, c) - x| (equation 4)."""
        self.critic.requires_grad_(False)
        condition = self.algorithm.condition.compute(real)
        fake = self.generate(condition)
        critic = autocast_critic(self.critic, self.runtime)
        batch = CriticBatch(
            concat_condition(condition, real), concat_condition(condition, fake), critic, self.loss_state
        )
        terms = {"generator_loss": self.variant.objective.generator(batch).mean()}
        if self.algorithm.l1:
            terms["l1"] = self.algorithm.l1 * (fake - real).abs().mean()
        terms |= penalty_terms(self.variant, "generator", critic, batch, self.penalty_rng, self.progress)

        optimizer_step(self.generator_optimizer, *terms.values())
        gradient = gradient_norm(self.variant, "generator", self.generator, self.steps, self.algorithm.critic_steps)
        enforce_constraints(self.variant, "generator", self.generator)
        updates = self.steps // self.algorithm.critic_steps
        update_ema(self.ema, self.generator, self.variant.ema, updates, self.progress)
        return {**terms, **gradient}

    def generate(self, condition: Tensor) -> Tensor:
        """G(z, c) for conditions (N, *condition_shape) and as many new latents: (N, *shape), float32."""
        z = sample_latents(self.variant.latent, len(condition), self.latent_rng)
        with autocast(self.runtime):
            fake: Tensor = self.generator(z[:, self.variant.condition_latent :], condition)
        return fake.float()

    def prepare_for_sampling(self, batches: Batches) -> None:
        """Give the stacked generators the conditions of training images, where those are what they sample from."""
        for stacked in self.generators.values():
            if isinstance(stacked.stage1, TrainingConditions):
                stacked.stage1.fill(torch.cat([self.algorithm.condition.compute(x) for x in batches.all_samples()]))


def concat_condition(condition: Tensor, x: Tensor) -> Tensor:
    """Conditions (N, C', h, w), resized to H x W, and images (N, C, H, W) on one channel axis: (N, C' + C, H, W)."""
    return torch.cat([interpolate(condition, size=x.shape[2:]), x], 1)
