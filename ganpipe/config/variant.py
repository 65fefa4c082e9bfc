"""A variant: one combination of parts. `ganpipe.config.rules` says which combinations make sense."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from ganpipe.algorithms import Algorithm
from ganpipe.augmentations import Augmentation
from ganpipe.config.rules import first_problem
from ganpipe.constraints import Constraint
from ganpipe.networks import CriticNetwork, GeneratorNetwork, Shape
from ganpipe.objectives import Objective
from ganpipe.optimizers import Optimizer
from ganpipe.parts import LARGEST, Choice, Count, Frozen, Length, NonNegative, Positive, Seed, Title, refuse
from ganpipe.penalties import Penalty
from ganpipe.schedules import Scheduled

Decay = Annotated[float, Field(ge=0, lt=1)]
AnyOptimizer = Annotated[Optimizer, Choice("ganpipe.optimizers")]


class Latent(Frozen):
    """The generator's input, (N, size): independent numbers from N(0, 1) or U[-1, 1)."""

    kind: Literal["normal", "uniform"]
    size: Count


class Pretrain(Frozen):
    """Training of an autoencoder critic on the reconstruction of real samples, before the actual training.

    steps: 0 for none. seed: of this training, which all seeds of the variant share.
    """

    steps: Annotated[int, Field(ge=0, le=LARGEST)]
    seed: Seed
    optimizer: AnyOptimizer


class Runtime(Frozen):
    """Device and arithmetic.

    device: `auto` is resolved once; the specs hold the result. threads: CPU threads of one training; bits differ
    between thread counts, so the number is part of the result. precision: of training, the metrics are computed in
    float32 or float64 in any case; `bfloat16` is that of the networks' forward passes, with weights and norms of
    gradients in float32; `tf32` rounds the factors of products on a GPU to 10 bits; `auto` is resolved once, as the
    device: bfloat16 where it has units for it, else float32. deterministic: only kernels that give the same bits each
    time, which are slower on a GPU; on the CPU all do.
    """

    device: Literal["auto", "cpu", "cuda", "mps"]
    threads: Annotated[int, Field(ge=1, le=1024)]
    precision: Literal["auto", "float32", "tf32", "bfloat16"]
    deterministic: bool


class Snapshots(Frozen):
    """Snapshots of the samples. count: how many, evenly spaced, the last step included. steps: after which other steps,
    increasing. num_samples: in each."""

    count: Annotated[int, Field(ge=1, le=1000)]
    steps: Annotated[tuple[Count, ...], Field(strict=False, max_length=1000)]
    num_samples: Annotated[int, Field(ge=100, le=LARGEST)]

    @model_validator(mode="after")
    def _steps_increase(self) -> Snapshots:
        for i, (before, step) in enumerate(pairwise(self.steps), 1):
            if step <= before:
                raise refuse(f"does not come after {before}; use increasing steps", "steps", i, value=step)
        return self


class Health(Frozen):
    """Thresholds of a training's status. No step depends on them.

    min_variance_ratio: collapsed with a total variance of the samples below this share of the data's.
    min_mode_fraction: collapsed with fewer modes than this share of those that as many exact samples would have; a mode
    is present from `mode_presence` times its share of the samples on. min_vendi_ratio: where no modes are known,
    collapsed with a Vendi score below this share of that of as many held-out samples, whose score has to be above 1 /
    min_vendi_ratio. vendi_bandwidth: of the kernel of that score. stall_threshold: stalled when the samples of fixed
    latents moved by less since the last snapshot, in standard deviations of the data. min_active_hinge: margin_inactive
    where, since the last snapshot, less than this share of the samples had an energy below the margin.
    divergence_threshold: diverged with a loss, score or penalty beyond it.
    """

    min_variance_ratio: Annotated[float, Field(ge=0, lt=1)]
    min_mode_fraction: Annotated[float, Field(ge=0, le=1)]
    mode_presence: Annotated[float, Field(ge=0, le=1)]
    min_vendi_ratio: Annotated[float, Field(ge=0, le=1)]
    vendi_bandwidth: Length
    stall_threshold: NonNegative
    min_active_hinge: Annotated[float, Field(ge=0, le=1)]
    divergence_threshold: Positive


class Variant(Frozen):
    """One variant: its file in variants/, merged with what all variants share.

    stage1: the training whose generator makes the conditions, a variant of its own on the conditions' shape.
    steps: updates of the critic. batch: samples per update, as many real as generated. ema: decay of the generator's
    moving average per generator step, less in the first ones; a schedule of it is one of the half-life. num_samples:
    written for the evaluation. log_every, sample_grid_every: in steps. snapshots: when they are taken. health: the
    thresholds of the status.
    """

    also_known: ClassVar = ("overrides", "extends")

    title: Title
    objective: Annotated[Objective, Choice("ganpipe.objectives")]
    penalties: Annotated[tuple[Annotated[Penalty, Choice("ganpipe.penalties")], ...], Field(strict=False)]
    constraints: Annotated[tuple[Annotated[Constraint, Choice("ganpipe.constraints")], ...], Field(strict=False)]
    augmentation: Annotated[Augmentation, Choice("ganpipe.augmentations")]
    generator: Annotated[GeneratorNetwork, Choice("ganpipe.networks.generators")]
    critic: Annotated[CriticNetwork, Choice("ganpipe.networks.critics")]
    algorithm: Annotated[Algorithm, Choice("ganpipe.algorithms")]
    generator_optimizer: AnyOptimizer
    critic_optimizer: AnyOptimizer
    latent: Latent
    pretrain: Pretrain
    stage1: Variant | None
    steps: Count
    batch: Annotated[int, Field(ge=2, le=LARGEST)]
    ema: Annotated[Decay, Scheduled(Decay)]
    num_samples: Annotated[int, Field(ge=100, le=LARGEST)]
    log_every: Count
    sample_grid_every: Count
    snapshots: Snapshots
    health: Health

    @model_validator(mode="after")
    def _is_a_legal_combination(self) -> Variant:
        if problem := first_problem(self):
            raise refuse(problem.sentence, *problem.loc, value=problem.value)
        return self

    def incompatibility(self, shape: Shape, classes: int | None = None) -> str | None:
        """Why this variant makes no sense for samples of this shape and so many classes; None where it does."""
        reason = (
            self.generator.incompatibility(shape)
            or self.generator.latent_incompatibility(self.latent.size, shape)
            or self.critic.incompatibility(shape)
            or self.augmentation.incompatibility(shape)
            or self.algorithm.incompatibility(shape)
            or (None if classes is None else self.algorithm.label_incompatibility(classes))
        )
        return (
            self.stage1.incompatibility(self.algorithm.condition_shape(shape)) if self.stage1 and not reason else reason
        )

    def for_classes(self, classes: int) -> Variant:
        """The variant for data of so many classes. Raises UserError where it makes no sense on them."""
        return self.model_copy(update={"algorithm": self.algorithm.for_classes(classes)})

    @property
    def evaluations_per_sample(self) -> int:
        """How many passes of a network a sample takes, those of the condition's included."""
        return self.generator.evaluations_per_sample + (self.stage1.evaluations_per_sample if self.stage1 else 0)

    @property
    def condition_latent(self) -> int:
        """How many numbers of the latent a condition is made from, where the algorithm is conditional."""
        return self.stage1.latent.size if self.stage1 else 1

    @property
    def pretrained_file(self) -> str | None:
        """The file that an earlier stage leaves for the training, if there is one."""
        return "generator.safetensors" if self.stage1 else "critic.safetensors" if self.pretrain.steps else None
