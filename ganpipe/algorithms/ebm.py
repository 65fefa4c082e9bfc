"""An energy-based model: the critic alone is trained, and samples are drawn by gradient ascent on its score.

"Can discriminator generate?" in H.-y. Lee's lecture on GANs (2018); with a few steps from noise, Nijkamp et al. 2019
(arXiv 1904.09770), algorithm 1.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal

import torch
from torch import nn

from ganpipe.algorithms import Algorithm, Metrics, NetworkName, Trainer, Weights
from ganpipe.algorithms._steps import (
    attach_constraints,
    autocast_critic,
    critic_batch,
    enforce_constraints,
    initial_loss_state,
    next_loss_state,
    optimizer_step,
    penalty_terms,
)
from ganpipe.batches import Batch
from ganpipe.networks.generators.gradient_ascent import GradientAscent, GradientAscentGenerator
from ganpipe.parts import NonNegative
from ganpipe.utils.ema import update_ema
from ganpipe.utils.rng import make_rng, sample_latents, seeded_init
from ganpipe.utils.state import StateMixin

if TYPE_CHECKING:
    from ganpipe.config.variant import Runtime, Variant
    from ganpipe.networks import Shape


class EBM(Algorithm):
    """In each step, samples from gradient ascent on the critic's score are its negatives beside a batch of reals.

    The variant's `gradient_ascent` generator has the number of steps; the loss is the objective's for the critic. With
    `wgan` that is maximum likelihood of an energy-based model with energy -D(x).
    noise: standard deviation of the noise on the reals, in the networks' space. It gives the critic a gradient towards
    them where they lie on a manifold of few dimensions.
    """

    kind: Literal["ebm"]
    noise: NonNegative
    trained_networks: ClassVar[frozenset[NetworkName]] = frozenset({"critic"})
    requires_generator: ClassVar[str | None] = "gradient_ascent"
    uses_input_gradient: ClassVar[bool] = True
    climbs_score: ClassVar[bool] = True

    def trainer(
        self, variant: Variant, shape: Shape, runtime: Runtime, seed: int, pretrained: Weights | None
    ) -> Trainer:
        return EBMTrainer(self, variant, shape, runtime, seed, pretrained)

    def build_generator(self, variant: Variant, shape: Shape) -> nn.Module:
        sampler = _build_sampler(variant, shape)
        attach_constraints(variant, {"critic": sampler.critic})
        return sampler


class EBMTrainer(StateMixin, Trainer):
    """The critic within its sampler, the sampler's moving average, and the critic's optimizer.

    No negatives are kept from step to step: training and sampling take the same number of ascent steps from the same
    distribution of latents, so the critic sees the very distribution that samples come from. That is not the
    distribution of the critic's maxima, and another number of steps gives other samples. `ema` ascends the score of
    the averaged critic, which was never trained on its own samples: it is as good as `raw` only with a short decay.
    pretrained: the critic's initial weights.
    """

    state_attrs: ClassVar[tuple[str, ...]] = (
        *("critic", "ema", "critic_optimizer"),
        *("latent_rng", "penalty_rng", "noise_rng", "loss_state", "steps"),
    )

    def __init__(
        self, algorithm: EBM, variant: Variant, shape: Shape, runtime: Runtime, seed: int, pretrained: Weights | None
    ) -> None:
        self.algorithm, self.variant, self.runtime = algorithm, variant, runtime
        with seeded_init(seed, "critic"):
            self.sampler = _build_sampler(variant, shape).to(runtime.device)
        self.critic = self.sampler.critic
        if pretrained is not None:
            self.critic.load_state_dict(pretrained)
        with seeded_init(seed, "constraints"):
            attach_constraints(variant, {"critic": self.critic})
        self.critic_optimizer = variant.critic_optimizer.build(self.critic.parameters())
        self.ema = copy.deepcopy(self.sampler).requires_grad_(False)
        self.latent_rng, self.penalty_rng, self.noise_rng = (
            make_rng(seed, purpose, runtime.device) for purpose in ("latents", "penalties", "instance noise")
        )
        self.loss_state = initial_loss_state(variant, runtime.device)
        self.steps = 0
        self.generators, self.saved_networks = {"raw": self.sampler, "ema": self.ema}, {"critic": self.critic}

    def train_step(self, batches: Iterator[Batch]) -> Metrics:
        """One optimizer step of the critic on real samples and as many from its sampler, which carry no gradient."""
        progress = self.steps / self.variant.steps
        self.variant.critic_optimizer.follow_schedules(self.critic_optimizer, progress)
        self.steps += 1
        real = next(batches).x
        if self.algorithm.noise:
            noise = torch.randn(real.shape, generator=self.noise_rng, device=real.device)
            real = real + self.algorithm.noise * noise
        fake = self.sampler(sample_latents(self.variant.latent, len(real), self.latent_rng))
        critic = autocast_critic(self.critic, self.runtime)
        batch = critic_batch(self.variant, real, fake, critic, self.loss_state)
        loss = self.variant.objective.critic(batch).mean()
        scores = {"real_score": batch.real_output.score.mean(), "fake_score": batch.fake_output.score.mean()}
        penalties = penalty_terms(self.variant, "critic", critic, batch, self.penalty_rng, progress)

        optimizer_step(self.critic_optimizer, loss, *penalties.values())
        enforce_constraints(self.variant, "critic", self.critic)
        self.loss_state = next_loss_state(self.variant, batch, progress)
        update_ema(self.ema, self.sampler, self.variant.ema, self.steps, progress)
        return {"critic_loss": loss, **scores, **penalties, **self.loss_state, **self.variant.objective.metrics(batch)}


def _build_sampler(variant: Variant, shape: Shape) -> GradientAscent:
    generator = variant.generator
    assert isinstance(generator, GradientAscentGenerator)
    return generator.build_sampler(
        variant.critic.build(shape), shape, 1 if variant.objective.output_type == "score" else -1
    )
