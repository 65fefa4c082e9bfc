"""A generator that descends a distance between a batch of its samples and one of real ones, without a critic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from torch import Tensor

from ganpipe.algorithms import Algorithm, Metrics, NetworkName, Trainer, Weights
from ganpipe.algorithms._one_loss import OneLossTrainer
from ganpipe.algorithms._steps import autocast
from ganpipe.distances import Distance
from ganpipe.parts import Choice
from ganpipe.utils.rng import make_rng, sample_latents, seeded_init

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


class DistanceTrainer(OneLossTrainer):
    """The generator goes down the distance of as many new samples from real ones."""

    state_attrs: ClassVar[tuple[str, ...]] = (*OneLossTrainer.state_attrs, "latent_rng", "held_out_rng")

    def __init__(
        self, algorithm: DistanceMatching, variant: Variant, shape: Shape, runtime: Runtime, seed: int
    ) -> None:
        self.algorithm = algorithm
        with seeded_init(seed, "generator"):
            net = algorithm.build_generator(variant, shape).to(runtime.device)
        super().__init__(variant, runtime, net)
        self.latent_rng, self.held_out_rng = (
            make_rng(seed, p, runtime.device) for p in ("latents", "held-out latents")
        )

    def losses(self, real: Tensor, held_out: bool = False) -> Metrics:
        """generator_loss: the distance, of held-out samples from a batch of them at most."""
        rng, real = (self.held_out_rng, real[: self.variant.batch]) if held_out else (self.latent_rng, real)
        with autocast(self.runtime):
            fake = self.net(sample_latents(self.variant.latent, len(real), rng))
        return {"generator_loss": self.algorithm.distance(fake.float().flatten(1), real.flatten(1))}
