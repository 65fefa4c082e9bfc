"""The GAN (Goodfellow et al. 2014, arXiv 1406.2661, algorithm 1): critic D (the discriminator) and generator G in turn.

What the two minimise are the variant's `objective` and `penalties`."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from ganpipe.algorithms import Algorithm, Metrics, NetworkName, Trainer, Weights
from ganpipe.algorithms._steps import (
    attach_constraints,
    autocast,
    autocast_critic,
    critic_batch,
    critic_loss,
    enforce_constraints,
    gradient_norm,
    initial_loss_state,
    next_loss_state,
    penalty_terms,
    set_gradients,
)
from ganpipe.algorithms._unrolled import unrolled
from ganpipe.batches import Batch, pack_samples
from ganpipe.critic import CriticBatch, CriticFunction, mean_over_scores
from ganpipe.parts import Count, Frozen, NonNegative
from ganpipe.schedules import Scheduled, at
from ganpipe.utils.ema import update_ema
from ganpipe.utils.parallel import spread, synchronised
from ganpipe.utils.rng import make_rng, sample_latents, seeded_init
from ganpipe.utils.state import StateMixin

if TYPE_CHECKING:
    from ganpipe.config.variant import Runtime, Variant
    from ganpipe.networks import Shape


Share = Annotated[float, Field(gt=0, le=1)]


class Lookahead(Frozen):
    """After every `steps` steps both networks go back, to this `share` of the way that they have come since the last
    time (Chavdarova et al. 2021, arXiv 2006.14567, algorithm 1)."""

    steps: Count
    share: Share


class GAN(Algorithm):
    """critic_steps: updates of the critic before each update of the generator.

    unroll_steps: the generator minimises the value at the critic after so many more steps of its own optimizer (Metz et
    al. 2017, arXiv 1611.02163); 0: the objective's loss for the generator at the critic as it is.
    pack: samples that the critic sees together, joined on the channel axis (Lin et al. 2018, arXiv 1712.04086).
    dynamics: `alternating`: the generator steps at the critic after its own step; `simultaneous`: both step at the
    weights before; `extragradient` (Gidel et al. 2019, arXiv 1802.10551): both step from there by the gradients after a
    simultaneous step, which takes twice the gradients.
    lookahead: null, or where both networks go back to after some steps.
    top_k: the share of the generated samples, those with the best scores, whose loss the generator minimises; it may be
    a schedule over the steps (Sinha et al. 2020, arXiv 2002.06224, whose nu is its end).
    instance_noise: standard deviation of the noise on the critic's input at the first step; it falls linearly to 0 at
    the last (Sonderby et al. 2017, arXiv 1610.04490).
    """

    kind: Literal["adversarial"]
    critic_steps: Count
    pack: Count
    unroll_steps: Annotated[int, Field(ge=0, le=100)]
    dynamics: Literal["alternating", "simultaneous", "extragradient"]
    lookahead: Lookahead | None
    top_k: Annotated[Share, Scheduled(Share)]
    instance_noise: NonNegative
    supports_augmentation: ClassVar[bool] = True

    def trainer(
        self, variant: Variant, shape: Shape, runtime: Runtime, seed: int, pretrained: Weights | None
    ) -> Trainer:
        return GANTrainer(self, variant, shape, runtime, seed, pretrained)


def plain_gan(critic_steps: int) -> GAN:
    """For algorithms that train a GAN inside: one without any of the rest."""
    return GAN(
        kind="adversarial",
        critic_steps=critic_steps,
        pack=1,
        unroll_steps=0,
        dynamics="alternating",
        lookahead=None,
        top_k=1.0,
        instance_noise=0.0,
    )


class GANTrainer(StateMixin, Trainer):
    """The networks, their optimizers, the random generators and the state of the loss.

    pretrained: the critic's initial weights (EBGAN pre-trains it as an autoencoder).
    """

    state_attrs: ClassVar[tuple[str, ...]] = (
        *("generator", "critic", "ema", "generator_optimizer", "critic_optimizer"),
        *("latent_rng", "penalty_rng", "noise_rng", "augmentation_rng"),
        *("loss_state", "augmentation_state", "slow_weights", "steps"),
    )

    def __init__(
        self, algorithm: GAN, variant: Variant, shape: Shape, runtime: Runtime, seed: int, pretrained: Weights | None
    ) -> None:
        self.algorithm, self.variant, self.runtime = algorithm, variant, runtime
        with seeded_init(seed, "generator"):
            self.generator = synchronised(self.build_generator(shape)).to(runtime.device)
        with seeded_init(seed, "critic"):
            self.critic = synchronised(self.build_critic(shape)).to(runtime.device)
        if pretrained is not None:
            self.critic.load_state_dict(pretrained)
        with seeded_init(seed, "constraints"):
            attach_constraints(variant, {"critic": self.critic, "generator": self.generator})
        self.ema = copy.deepcopy(self.generator).requires_grad_(False)
        self.generator_optimizer = variant.generator_optimizer.build(self.generator.parameters())
        self.critic_optimizer = variant.critic_optimizer.build(self.critic.parameters())
        self.latent_rng, self.penalty_rng, self.noise_rng, self.augmentation_rng = (
            make_rng(seed, purpose, runtime.device)
            for purpose in ("latents", "penalties", "instance noise", "augmentation")
        )
        self.loss_state = initial_loss_state(variant, runtime.device)
        self.augmentation_state = variant.augmentation.initial_state(torch.device(runtime.device))
        self.slow_weights = [weight.detach().clone() for weight in self.weights()] if algorithm.lookahead else []
        self.steps, self.progress = 0, 0.0
        self.generators, self.saved_networks = {"raw": self.generator, "ema": self.ema}, {"critic": self.critic}

    def train_step(self, batches: Iterator[Batch]) -> Metrics:
        """One update of the critic, and after every `critic_steps` of them one of the generator."""
        self.progress = self.steps / self.variant.steps
        self.variant.generator_optimizer.follow_schedules(self.generator_optimizer, self.progress)
        self.variant.critic_optimizer.follow_schedules(self.critic_optimizer, self.progress)
        self.steps += 1
        if self.algorithm.dynamics == "simultaneous":
            metrics = self.simultaneous_step(batches)
        elif self.algorithm.dynamics == "extragradient":
            metrics = self.extragradient_step(batches)
        else:
            metrics = self.critic_step(*next(batches))
            if self.steps % self.algorithm.critic_steps == 0:
                metrics |= self.generator_step(*next(batches))
        if self.algorithm.lookahead and self.steps % self.algorithm.lookahead.steps == 0:
            self.go_back(self.algorithm.lookahead.share)
        return metrics

    def critic_step(self, real: Tensor, labels: Tensor | None = None) -> Metrics:
        """One optimizer step of the critic D."""
        metrics = self.critic_gradient(real, labels)
        self.follow_gradient("critic")
        return metrics

    def generator_step(self, real: Tensor, labels: Tensor | None = None) -> Metrics:
        """One optimizer step of the generator G."""
        metrics = self.generator_gradient(real, labels)
        self.follow_gradient("generator")
        self.average()
        return metrics

    def simultaneous_step(self, batches: Iterator[Batch]) -> Metrics:
        """One optimizer step of both networks, each at the other as it was before."""
        metrics = self.both_gradients(batches)
        self.follow_gradient("critic")
        self.follow_gradient("generator")
        self.average()
        return metrics

    def extragradient_step(self, batches: Iterator[Batch]) -> Metrics:
        """A simultaneous step to look ahead, and from where it began one by the gradients there, on other samples.

        Algorithm 4 of the paper, in which the moments of Adam follow the gradients of both.
        """
        networks: tuple[NetworkName, ...] = ("critic", "generator")
        weights = self.weights()
        before, states = [p.detach().clone() for p in weights], (self.loss_state, self.augmentation_state)
        self.both_gradients(batches)
        for name in networks:
            self.follow_gradient(name)
        self.loss_state, self.augmentation_state = states
        metrics = self.both_gradients(batches)
        with torch.no_grad():
            torch._foreach_copy_(weights, before)
        for name in networks:
            self.follow_gradient(name)
        self.average()
        return metrics

    def both_gradients(self, batches: Iterator[Batch]) -> Metrics:
        """The gradients of both networks at their weights as they are."""
        return self.critic_gradient(*next(batches)) | self.generator_gradient(*next(batches))

    def follow_gradient(self, name: NetworkName) -> None:
        """The optimizer step of a network that has its gradient."""
        network, optimizer = (
            (self.critic, self.critic_optimizer) if name == "critic" else (self.generator, self.generator_optimizer)
        )
        optimizer.step()
        enforce_constraints(self.variant, name, network)

    def weights(self) -> list[Tensor]:
        """The parameters of both networks."""
        return [*self.critic.parameters(), *self.generator.parameters()]

    def go_back(self, share: float) -> None:
        """Both networks go to this share of the way from where they last went back to."""
        with torch.no_grad():
            torch._foreach_lerp_(self.slow_weights, self.weights(), share)
            torch._foreach_copy_(self.weights(), self.slow_weights)

    def average(self) -> None:
        """After a step of the generator: its weights join their moving average."""
        updates = self.steps // self.algorithm.critic_steps
        update_ema(self.ema, self.generator, self.variant.ema, updates, self.progress)

    def critic_gradient(self, real: Tensor, labels: Tensor | None = None) -> Metrics:
        """The gradient of the critic D on real samples x (N, *shape) and as many generated ones G(z).

        For WGAN-GP the objective is D(G(z)) - D(x) and the penalty lambda (|dD/dx| - 1)^2 between them (Gulrajani et
        al. 2017, algorithm 1); for EBGAN the objective is D(x) + max(0, m - D(G(z))), where D is the
        reconstruction error of an autoencoder (Zhao et al. 2016, equation 1). labels (N,): of networks that take them.
        """
        self.critic.requires_grad_(True)
        with torch.no_grad():
            fake = self.generate(len(real), labels)
        images, augmentation = len(real), self.variant.augmentation
        real, fake = self.critic_input(real), self.critic_input(fake)
        critic = autocast_critic(self.critic_given(labels), self.runtime)
        batch = critic_batch(self.variant, real, fake, critic, self.loss_state)
        loss = self.variant.objective.critic(batch).mean()
        scores = {"real_score": batch.real_output.score.mean(), "fake_score": batch.fake_output.score.mean()}
        penalties = self.penalties("critic", critic, batch, labels)

        set_gradients(self.critic_optimizer, loss, *penalties.values())
        gradient = gradient_norm(self.variant, "critic", self.critic, self.steps)
        self.loss_state = next_loss_state(self.variant, batch, self.progress)
        self.augmentation_state = augmentation.next_state(self.augmentation_state, batch.real_output.score, images)
        own = self.variant.objective.metrics(batch) | augmentation.metrics(self.augmentation_state)
        return {"critic_loss": loss, **scores, **penalties, **self.loss_state, **own, **gradient}

    def generator_gradient(self, real: Tensor, labels: Tensor | None = None) -> Metrics:
        """The gradient of the generator G. real (N, *shape): for objectives that compare D(G(z)) with D(x).

        With K unrolled steps it descends V(D_K, G), what the critic maximises: minus the critic's objective without
        its penalties, both terms of it, as D_K(x) depends on G too (Metz et al. 2017, equations 10 and 11).
        """
        self.critic.requires_grad_(False)
        fake = self.generate(len(real), labels)
        real, fake = self.critic_input(real), self.critic_input(fake)
        critic = autocast_critic(self.critic_given(labels), self.runtime)
        if self.algorithm.unroll_steps:
            given = (self.variant, self.runtime, real, fake, self.loss_state, self.penalty_rng, self.progress)
            ahead = unrolled(
                self.critic, partial(critic_loss, *given), self.critic_optimizer, self.algorithm.unroll_steps
            )
            critic = autocast_critic(ahead, self.runtime)
            batch = critic_batch(self.variant, real, fake, critic, self.loss_state)
            loss = -self.variant.objective.critic(batch).mean()
        else:
            batch = CriticBatch(real, fake, critic, self.loss_state)  # D(x) only where the objective reads it
            loss = self.best(self.variant.objective.generator(batch), batch).mean()
        penalties = self.penalties("generator", critic, batch, labels)

        set_gradients(self.generator_optimizer, loss, *penalties.values())
        gradient = gradient_norm(self.variant, "generator", self.generator, self.steps, self.algorithm.critic_steps)
        return {"generator_loss": loss, **penalties, **gradient}

    def best(self, losses: Tensor, batch: CriticBatch) -> Tensor:
        """The losses (N,) of the share `top_k` of the generated samples that the critic takes for real most."""
        share = at(self.algorithm, self.progress).top_k
        if share == 1:
            return losses
        score = mean_over_scores(batch.fake_output.score)
        best = score.topk(max(round(share * len(score)), 1), largest=self.variant.objective.output_type == "score")
        return losses[best.indices]

    def build_generator(self, shape: Shape) -> nn.Module:
        return self.variant.generator.build(self.variant.latent.size, shape)

    def build_critic(self, shape: Shape) -> nn.Module:
        return self.variant.critic.build((self.algorithm.pack * shape[0], *shape[1:]))

    def critic_given(self, labels: Tensor | None) -> CriticFunction:
        """The critic as a function of samples alone."""
        return self.critic

    def penalties(
        self, network: NetworkName, critic: CriticFunction, batch: CriticBatch, labels: Tensor | None
    ) -> Metrics:
        """What joins the objective in the loss of this network, each of shape ()."""
        return penalty_terms(self.variant, network, critic, batch, self.penalty_rng, self.progress)

    def generate(self, n: int, labels: Tensor | None = None) -> Tensor:
        """G(z) for n new latents z: (n, *shape), float32."""
        z = sample_latents(self.variant.latent, n, self.latent_rng)
        with autocast(self.runtime):
            fake = spread(self.generator)(z)
        return fake.to(z.dtype)

    def critic_input(self, x: Tensor) -> Tensor:
        """Samples (N, *shape) as the critic sees them: augmented, with instance noise, and packed."""
        x = at(self.variant.augmentation, self.progress)(x, self.augmentation_rng, self.augmentation_state)
        if self.algorithm.instance_noise:
            remaining = (self.variant.steps - self.steps) / max(self.variant.steps - 1, 1)  # from 1 to 0
            noise = torch.randn(x.shape, generator=self.noise_rng, device=x.device)
            x = x + self.algorithm.instance_noise * remaining * noise
        return pack_samples(x, self.algorithm.pack)
