"""Flow matching (Lipman et al. 2023, arXiv 2210.02747) along straight lines from noise to data."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal

import torch
from torch import Tensor

from ganpipe.algorithms import Algorithm, Metrics, NetworkName, Trainer, Weights
from ganpipe.algorithms._steps import autocast, enforce_constraints, optimizer_step
from ganpipe.batches import Batch
from ganpipe.networks.generators.flow import Flow
from ganpipe.utils.ema import update_ema
from ganpipe.utils.rng import make_rng, sample_latents, seeded_init
from ganpipe.utils.state import StateMixin

if TYPE_CHECKING:
    from ganpipe.config.variant import Runtime, Variant
    from ganpipe.networks import Shape


class FlowMatching(Algorithm):
    """The velocity v of the variant's `flow` generator minimises |v(x_t, t) - (x - z)|^2, x_t = (1 - t) z + t x, for
    data x, noise z and t from U(0, 1). There is no critic; the rate is that of `generator_optimizer`.
    """

    kind: Literal["flow_matching"]
    is_adversarial: ClassVar[bool] = False
    supports_pretraining: ClassVar[bool] = False
    trained_networks: ClassVar[frozenset[NetworkName]] = frozenset({"generator"})
    requires_generator: ClassVar[str | None] = "flow"

    def trainer(
        self, variant: Variant, shape: Shape, runtime: Runtime, seed: int, pretrained: Weights | None
    ) -> Trainer:
        return FlowMatchingTrainer(variant, shape, runtime, seed)


class FlowMatchingTrainer(StateMixin, Trainer):
    """Minimises |v(x_t, t) - (x - z)|^2 per feature, x_t = (1 - t) z + t x, with t from U(0, 1) (equation 23, with
    sigma_min = 0). The least is at the mean of x - z over all lines through x_t, whose flow carries the latents to the
    data (theorems 1 and 2).
    """

    state_attrs: ClassVar[tuple[str, ...]] = (
        *("generator", "ema", "optimizer", "latent_rng", "time_rng", "held_out_rng", "steps"),
    )

    def __init__(self, variant: Variant, shape: Shape, runtime: Runtime, seed: int) -> None:
        self.variant, self.runtime = variant, runtime
        with seeded_init(seed, "generator"):
            generator = variant.algorithm.build_generator(variant, shape)
        assert isinstance(generator, Flow)
        self.generator = generator.to(runtime.device)
        self.ema = copy.deepcopy(self.generator).requires_grad_(False)
        self.optimizer = variant.generator_optimizer.build(self.generator.parameters())
        self.latent_rng, self.time_rng, self.held_out_rng = (
            make_rng(seed, purpose, runtime.device) for purpose in ("latents", "times", "held-out times")
        )
        self.generators = {"raw": self.generator, "ema": self.ema}
        self.saved_networks, self.loss_state = {}, {}
        self.steps = 0

    def train_step(self, batches: Iterator[Batch]) -> Metrics:
        """One optimizer step of the velocity."""
        progress = self.steps / self.variant.steps
        self.variant.generator_optimizer.follow_schedules(self.optimizer, progress)
        self.steps += 1
        loss = self.loss(next(batches).x, self.latent_rng, self.time_rng)
        optimizer_step(self.optimizer, loss)
        enforce_constraints(self.variant, "generator", self.generator)
        update_ema(self.ema, self.generator, self.variant.ema, self.steps, progress)
        return {"generator_loss": loss}

    def loss(self, x: Tensor, latent_rng: torch.Generator, time_rng: torch.Generator) -> Tensor:
        """The squared error per feature of the velocity towards samples x (N, *shape), of shape ()."""
        z = self.generator.start(sample_latents(self.variant.latent, len(x), latent_rng))
        t = torch.rand(len(x), generator=time_rng, device=x.device)
        with autocast(self.runtime):
            velocity: Tensor = self.generator.velocity(between(z, x, t), t)
        error: Tensor = velocity.float() - (x - z)
        return error.square().mean()

    @torch.no_grad()
    def held_out_metrics(self, real: Tensor) -> Metrics:
        """held_out_loss: the same loss of samples that are not in the training data, with the last weights."""
        self.generator.eval()
        loss = self.loss(real, self.held_out_rng, self.held_out_rng)
        self.generator.train()
        return {"held_out_loss": loss}


def between(z: Tensor, x: Tensor, t: Tensor) -> Tensor:
    """(1 - t) z + t x, of noise and samples (N, *shape) at times (N,)."""
    t = t.reshape(-1, *[1] * (x.ndim - 1))
    return (1 - t) * z + t * x
