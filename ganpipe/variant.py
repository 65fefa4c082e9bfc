"""A variant: one combination of orthogonal parts, and the rules that say which combinations make sense."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from ganpipe.constraints import Constraint
from ganpipe.networks import CriticNetwork, GeneratorNetwork, Shape
from ganpipe.objectives import Objective
from ganpipe.optimizers import Optimizer
from ganpipe.params import Choice, Count, Frozen, Seed, refuse
from ganpipe.penalties import Penalty
from ganpipe.procedures import Procedure

AnyOptimizer = Annotated[Optimizer, Choice("ganpipe.optimizers")]


class Latent(Frozen):
    """The generator's input: `size` independent numbers, N(0, 1) or U[-1, 1)."""

    kind: Literal["normal", "uniform"]
    size: Count


class Pretrain(Frozen):
    """Training the critic alone to reconstruct real samples, before the game. steps 0: none.

    seed: of this training, which all seeds of the row share.
    """

    steps: Annotated[int, Field(ge=0)]
    seed: Seed
    optimizer: AnyOptimizer


class Runtime(Frozen):
    """Where and how exactly the arithmetic is done. `auto` is resolved once and stands resolved in the specs.

    threads: CPU threads of one training. Bits differ between thread counts, so it is part of the result.
    precision: of the networks' forward passes; penalties are in float32 in any case.
    """

    device: Literal["auto", "cpu", "cuda", "mps"]
    threads: Count
    precision: Literal["float32", "bfloat16"]


class Variant(Frozen):
    """One row of params.yaml, merged with what all rows share.

    steps: updates of the critic. batch: samples of each kind per update. ema: decay of the generator's moving average
    per generator step. samples: how many are written for evaluation. log_every, grid_every: in steps.
    """

    title: Annotated[str, Field(min_length=1, max_length=80)]
    objective: Annotated[Objective, Choice("ganpipe.objectives")]
    penalties: Annotated[tuple[Annotated[Penalty, Choice("ganpipe.penalties")], ...], Field(strict=False)]
    constraints: Annotated[tuple[Annotated[Constraint, Choice("ganpipe.constraints")], ...], Field(strict=False)]
    generator: Annotated[GeneratorNetwork, Choice("ganpipe.networks.generators")]
    critic: Annotated[CriticNetwork, Choice("ganpipe.networks.critics")]
    procedure: Annotated[Procedure, Choice("ganpipe.procedures")]
    generator_optimizer: AnyOptimizer
    critic_optimizer: AnyOptimizer
    latent: Latent
    pretrain: Pretrain
    steps: Count
    batch: Annotated[int, Field(ge=2)]
    ema: Annotated[float, Field(ge=0, lt=1)]
    samples: Annotated[int, Field(ge=100)]
    log_every: Count
    grid_every: Count

    @model_validator(mode="after")
    def _rules(self) -> Variant:
        objective, critic = self.objective, self.critic
        if objective.scale != critic.emits:
            raise refuse(
                f"does not fit `objective.kind`: {objective.kind} reads the critic's {objective.scale}, and the critic "
                f"{critic.kind} emits {'an energy' if critic.emits == 'energy' else 'a score'}; "
                + ("use a critic with `output: energy`, or `kind: autoencoder`" if objective.scale == "energy"
                   else "use a critic with `output: score`"),
                "critic", "kind", value=critic.kind,
            )  # fmt: skip
        for i, penalty in enumerate(self.penalties):
            if penalty.needs_code and not critic.has_code:
                raise refuse(
                    f"needs the critic's codes, and the critic {critic.kind} has none; use `critic.kind: autoencoder`",
                    "penalties", i, "kind", value=penalty.kind,
                )  # fmt: skip
            if penalty.per_sample and critic.couples_samples:
                raise refuse(
                    "reads the critic's gradient at single samples, and batch norm couples the samples of a batch; "
                    "use `critic.norm: layer` or `none`",
                    "penalties", i, "kind", value=penalty.kind,
                )  # fmt: skip
        pack = getattr(self.procedure, "pack", 1)
        if self.batch % pack or self.batch < 2 * pack:  # batch norm and pull-away need two packed samples
            raise refuse(
                f"is not two or more whole packs of `procedure.pack` = {pack}; use {max(self.batch // pack, 2) * pack}",
                "batch", value=self.batch,
            )  # fmt: skip
        if self.pretrain.steps and not critic.has_code:
            raise refuse(
                f"pre-trains an autoencoder, and the critic {critic.kind} is none; use `critic.kind: autoencoder` or 0",
                "pretrain", "steps", value=self.pretrain.steps,
            )  # fmt: skip
        return self

    def unfit(self, shape: Shape) -> str | None:
        """Why this row makes no sense for samples of this shape; None where it does."""
        return self.generator.unfit(shape) or self.critic.unfit(shape)
