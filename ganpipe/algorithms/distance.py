"""A generator that descends a distance between a batch of its samples and one of real ones, without a critic."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import torch
from torch import Tensor

from ganpipe.algorithms import Algorithm, Metrics, NetworkName, Trainer, Weights
from ganpipe.algorithms._steps import autocast, enforce_constraints, optimizer_step
from ganpipe.batches import Batch
from ganpipe.distances import Distance
from ganpipe.parts import Choice
from ganpipe.utils.ema import update_ema
from ganpipe.utils.rng import make_rng, sample_latents, seeded_init
from ganpipe.utils.state import StateMixin

if TYPE_CHECKING:
    from ganpipe.config.variant import Runtime, Variant
    from ganpipe.networks import Shape


class DistanceMatching(Algorithm):
    """distance: between batches of the variant's size, of samples in the networks' space as rows of numbers."""

    kind: Literal["distance"]
    distance: Annotated[Distance, Choice("ganpipe.distances")]
    is_adversarial: ClassVar[bool] = False
    supports_pretraining: ClassVar[bool] = False
    trained_networks: ClassVar[frozenset[NetworkName]] = frozenset({"generator"})

    def trainer(
        self, variant: Variant, shape: Shape, runtime: Runtime, seed: int, pretrained: Weights | None
    ) -> Trainer:
        return DistanceTrainer(self, variant, shape, runtime, seed)


class DistanceTrainer(StateMixin, Trainer):
    """The generator, its moving average and its optimizer."""

    state_attrs: ClassVar[tuple[str, ...]] = ("generator", "ema", "optimizer", "latent_rng", "held_out_rng", "steps")

    def __init__(
        self, algorithm: DistanceMatching, variant: Variant, shape: Shape, runtime: Runtime, seed: int
    ) -> None:
        self.algorithm, self.variant, self.runtime = algorithm, variant, runtime
        with seeded_init(seed, "generator"):
            self.generator = algorithm.build_generator(variant, shape).to(runtime.device)
        self.ema = copy.deepcopy(self.generator).requires_grad_(False)
        self.optimizer = variant.generator_optimizer.build(self.generator.parameters())
        self.latent_rng, self.held_out_rng = (
            make_rng(seed, p, runtime.device) for p in ("latents", "held-out latents")
        )
        self.generators = {"raw": self.generator, "ema": self.ema}
        self.saved_networks, self.loss_state = {}, {}
        self.steps = 0

    def train_step(self, batches: Iterator[Batch]) -> Metrics:
        """One optimizer step of the generator."""
        progress = self.steps / self.variant.steps
        self.variant.generator_optimizer.follow_schedules(self.optimizer, progress)
        self.steps += 1
        loss = self.distance(next(batches).x, self.latent_rng)
        optimizer_step(self.optimizer, loss)
        enforce_constraints(self.variant, "generator", self.generator)
        update_ema(self.ema, self.generator, self.variant.ema, self.steps, progress)
        return {"generator_loss": loss}

    def distance(self, real: Tensor, rng: torch.Generator) -> Tensor:
        """Of as many new samples from real ones (N, *shape), of shape ()."""
        with autocast(self.runtime):
            fake = self.generator(sample_latents(self.variant.latent, len(real), rng))
        return self.algorithm.distance(fake.float().flatten(1), real.flatten(1))

    @torch.no_grad()
    def held_out_metrics(self, real: Tensor) -> Metrics:
        """held_out_loss: the distance from samples that are not in the training data, at most a batch of them."""
        self.generator.eval()
        loss = self.distance(real[: self.variant.batch], self.held_out_rng)
        self.generator.train()
        return {"held_out_loss": loss}
