"""Flow matching (Lipman et al. 2023, arXiv 2210.02747) along straight lines from noise to data."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import torch
from torch import Tensor

from ganpipe.algorithms import Algorithm, Metrics, NetworkName, Trainer, Weights
from ganpipe.algorithms._one_loss import OneLossTrainer
from ganpipe.algorithms._steps import autocast
from ganpipe.networks.generators.flow import Flow
from ganpipe.utils.rng import make_rng, sample_latents, seeded_init

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


class FlowMatchingTrainer(OneLossTrainer):
    """Minimises |v(x_t, t) - (x - z)|^2 per feature, x_t = (1 - t) z + t x, with t from U(0, 1) (equation 23, with
    sigma_min = 0). The least is at the mean of x - z over all lines through x_t, whose flow carries the latents to the
    data (theorems 1 and 2).
    """

    state_attrs: ClassVar[tuple[str, ...]] = (*OneLossTrainer.state_attrs, "latent_rng", "time_rng", "held_out_rng")
    net: Flow

    def __init__(self, variant: Variant, shape: Shape, runtime: Runtime, seed: int) -> None:
        with seeded_init(seed, "generator"):
            net = variant.algorithm.build_generator(variant, shape)
        super().__init__(variant, runtime, net.to(runtime.device))
        self.latent_rng, self.time_rng, self.held_out_rng = (
            make_rng(seed, purpose, runtime.device) for purpose in ("latents", "times", "held-out times")
        )

    def losses(self, real: Tensor, held_out: bool = False) -> Metrics:
        """generator_loss: the squared error per feature of the velocity towards samples (N, *shape)."""
        latent_rng, time_rng = (self.held_out_rng,) * 2 if held_out else (self.latent_rng, self.time_rng)
        z = self.net.start(sample_latents(self.variant.latent, len(real), latent_rng))
        t = torch.rand(len(real), generator=time_rng, device=real.device)
        with autocast(self.runtime):
            velocity: Tensor = self.net.velocity(between(z, real, t), t)
        error: Tensor = velocity.float() - (real - z)
        return {"generator_loss": error.square().mean()}


def between(z: Tensor, x: Tensor, t: Tensor) -> Tensor:
    """(1 - t) z + t x, of noise and samples (N, *shape) at times (N,)."""
    t = t.reshape(-1, *[1] * (x.ndim - 1))
    return (1 - t) * z + t * x
