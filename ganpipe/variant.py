"""A variant: one combination of orthogonal parts, and the rules that say which combinations make sense."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from ganpipe.algorithms import Algorithm
from ganpipe.constraints import Constraint
from ganpipe.networks import CriticNetwork, GeneratorNetwork, Shape
from ganpipe.objectives import Objective
from ganpipe.optimizers import Optimizer
from ganpipe.params import LARGEST, Choice, Count, Frozen, Length, NonNegative, Positive, Seed, Title, refuse
from ganpipe.penalties import Penalty

AnyOptimizer = Annotated[Optimizer, Choice("ganpipe.optimizers")]


class Latent(Frozen):
    """The generator's input: `size` independent numbers, N(0, 1) or U[-1, 1)."""

    kind: Literal["normal", "uniform"]
    size: Count


class Pretrain(Frozen):
    """Training the critic alone to reconstruct real samples, before the game. steps 0: none.

    seed: of this training, which all seeds of the row share.
    """

    steps: Annotated[int, Field(ge=0, le=LARGEST)]
    seed: Seed
    optimizer: AnyOptimizer


class Runtime(Frozen):
    """Where and how exactly the arithmetic is done. `auto` is resolved once and stands resolved in the specs.

    threads: CPU threads of one training. Bits differ between thread counts, so it is part of the result.
    precision: of the networks' forward passes; slopes that a penalty takes are in float32 in any case.
    deterministic: only kernels that give the same bits each time, slower on a GPU; on the CPU all are.
    """

    device: Literal["auto", "cpu", "cuda", "mps"]
    threads: Annotated[int, Field(ge=1, le=1024)]
    precision: Literal["float32", "bfloat16"]
    deterministic: bool


class Moments(Frozen):
    """count: how often a training is looked at, evenly spread, the last step among them. samples: of each generator."""

    count: Annotated[int, Field(ge=1, le=1000)]
    samples: Annotated[int, Field(ge=100, le=LARGEST)]


class Watch(Frozen):
    """From where on a training has a verdict; they say what is called so and change no step.

    variance: collapsed with a total variance of the samples below so many times the data's. modes: collapsed with
    samples near fewer than this share of the modes that as many exact samples are expected near, where one is there
    from `present` times its share on. vendi: where no modes are known, collapsed with a Vendi score below so many times
    that of as many held-out samples; 1 / vendi of those can't tell. width: of that score's kernel. change: stalled when
    the samples of fixed latents moved by less since the moment before, in deviations of the data. limit: diverged with
    a loss, score or penalty beyond it.
    """

    variance: Annotated[float, Field(ge=0, lt=1)]
    modes: Annotated[float, Field(ge=0, le=1)]
    present: Annotated[float, Field(ge=0, le=1)]
    vendi: Annotated[float, Field(ge=0, le=1)]
    width: Length
    change: NonNegative
    limit: Positive


class Variant(Frozen):
    """One row of params.yaml, merged with what all rows share.

    first: the training whose generator makes the conditions of a translation, a row of its own on images of that kind.
    steps: updates of the critic. batch: samples of each kind per update. ema: decay of the generator's moving average
    per generator step. samples: how many are written for evaluation. log_every, grid_every: in steps.
    moments: when it is looked at on the way. watch: what is said of it then.
    """

    title: Title
    objective: Annotated[Objective, Choice("ganpipe.objectives")]
    penalties: Annotated[tuple[Annotated[Penalty, Choice("ganpipe.penalties")], ...], Field(strict=False)]
    constraints: Annotated[tuple[Annotated[Constraint, Choice("ganpipe.constraints")], ...], Field(strict=False)]
    generator: Annotated[GeneratorNetwork, Choice("ganpipe.networks.generators")]
    critic: Annotated[CriticNetwork, Choice("ganpipe.networks.critics")]
    procedure: Annotated[Algorithm, Choice("ganpipe.algorithms")]
    generator_optimizer: AnyOptimizer
    critic_optimizer: AnyOptimizer
    latent: Latent
    pretrain: Pretrain
    first: Variant | None
    steps: Count
    batch: Annotated[int, Field(ge=2, le=LARGEST)]
    ema: Annotated[float, Field(ge=0, lt=1)]
    samples: Annotated[int, Field(ge=100, le=LARGEST)]
    log_every: Count
    grid_every: Count
    moments: Moments
    watch: Watch

    @model_validator(mode="after")
    def _rules(self) -> Variant:
        for rule in RULES:
            problem = rule(self)
            if problem:
                loc, value, sentence = problem
                raise refuse(sentence, *loc, value=value)
        return self

    def unfit(self, shape: Shape) -> str | None:
        """Why this row makes no sense for samples of this shape; None where it does."""
        generator, latent = self.generator, self.latent.size
        networks = generator.unfit(shape) or generator.unfit_latent(latent, shape) or self.critic.unfit(shape)
        reason = networks or self.procedure.unfit(shape)
        return self.first.unfit(self.procedure.given(shape)) if self.first and not reason else reason

    @property
    def condition_latent(self) -> int:
        """How many numbers of the latent a condition is made from, where the procedure stacks."""
        return self.first.latent.size if self.first else 1

    @property
    def starts_from(self) -> str | None:
        """The file that its pre-training leaves for the training, if it has one."""
        return "generator.safetensors" if self.first else "critic.safetensors" if self.pretrain.steps else None


Problem = tuple[tuple[str | int, ...], object, str]
"""The key, its value, and what is wrong with it, with the remedy: "it ..."."""


def _scale(v: Variant) -> Problem | None:
    reads, emits = v.objective.scale, v.critic.emits
    if reads == emits:
        return None
    remedy = "`output: energy`, or `kind: autoencoder`" if reads == "energy" else "`output: score`"
    return (
        ("critic", "kind"),
        v.critic.kind,
        f"does not fit `objective.kind`: {v.objective.kind} reads the critic's {reads}, and the critic {v.critic.kind} "
        f"emits {'an energy' if emits == 'energy' else 'a score'}; use a critic with {remedy}",
    )


def _judges(v: Variant) -> Problem | None:
    reads, gives = v.objective.judges, v.critic.judges
    if reads == gives:
        return None
    found = f"gives {gives} score{'s' * (gives > 1)} a sample, and the objective {v.objective.kind} reads {reads}"
    if reads > 1 and gives > 1:
        return ("critic", "count"), gives, f"{found}; use `count: {reads}`"
    remedy = (
        f"`critic.kind: ensemble` with `count: {reads}`" if reads > 1 else "`critic.kind: mlp` or another of one score"
    )
    return ("critic", "kind"), v.critic.kind, f"{found}; use {remedy}"


def _penalties(v: Variant) -> Problem | None:
    for i, penalty in enumerate(v.penalties):
        place = ("penalties", i, "kind")
        if penalty.needs_code and not v.critic.has_code:
            remedy = "remove it"
            if v.objective.scale == "energy" and not v.procedure.asks:
                remedy = "use `critic.kind: autoencoder`"
            elif not v.procedure.asks:
                remedy = "use `critic.kind: autoencoder` with `objective.kind: energy_margin`, or remove it"
            sentence = f"needs the critic's codes, and the critic {v.critic.kind} has none; {remedy}"
            return place, penalty.kind, sentence
        if penalty.per_sample and v.critic.couples_samples:
            layer, remedy = v.critic.coupling
            sentence = f"reads the critic's gradient at single samples, and {layer} couples the samples of a batch"
            return place, penalty.kind, f"{sentence}; use {remedy}"
        if penalty.per_sample and v.critic.judges > 1:
            sentence = "reads one slope of the critic a sample, and an ensemble has several"
            return place, penalty.kind, f"{sentence}; use `constraints: [{{kind: spectral_norm, player: critic}}]`"
    return None


def _slope(v: Variant) -> Problem | None:
    limited = any(penalty.per_sample for penalty in v.penalties) or any(c.player == "critic" for c in v.constraints)
    if not v.objective.lipschitz or limited or "generator" not in v.procedure.trains:
        return None
    sentence = "has no bound without a limit to the critic's slope"
    remedy = "use a gradient penalty in `penalties`, or `constraints: [{kind: spectral_norm, player: critic}]`"
    return ("objective", "kind"), v.objective.kind, f"{sentence}; {remedy}"


def _unrolling(v: Variant) -> Problem | None:
    unroll = getattr(v.procedure, "unroll", None)
    for i, constraint in enumerate(v.constraints):
        if unroll and unroll.steps and constraint.player == "critic" and not constraint.unrolls:
            sentence = (
                "does not hold in the steps of an unrolled critic; use spectral_norm, or `procedure.unroll.steps: 0`"
            )
            return ("constraints", i, "kind"), constraint.kind, sentence
    return None


def _constraints(v: Variant) -> Problem | None:
    for i, constraint in enumerate(v.constraints):
        if any(constraint.player == other.player for other in v.constraints[:i]):
            sentence = f"is a second constraint on the weights of the {constraint.player}, and the two undo each other"
            return ("constraints", i, "kind"), constraint.kind, f"{sentence}; use one for each `player`"
    return None


def _shares(v: Variant) -> Problem | None:
    shares, pack = v.generator.shares, getattr(v.procedure, "pack", 1)
    if shares > 1 and pack > 1:
        sentence = "joins samples of members that follow from their places, which tells them from reals"
        return ("procedure", "pack"), pack, f"{sentence}; use `pack: 1` with `generator.kind: ensemble`"
    if shares > 1 and not v.procedure.plays:
        sentence = f"gives each member a part of the batch, and {v.procedure.kind} decodes what belongs together"
        return ("generator", "kind"), v.generator.kind, f"{sentence}; use `generator.kind: mlp` or another single one"
    if v.batch < 2 * shares:  # batch norm needs two samples
        sentence = f"is less than two samples for each of the {shares} generators; use `batch: {2 * shares}`"
        return ("batch",), v.batch, sentence
    return None


def _packs(v: Variant) -> Problem | None:
    pack = getattr(v.procedure, "pack", 1)
    if v.batch % pack == 0 and v.batch >= 2 * pack:  # batch norm and pull-away need two packed samples
        return None
    use = max(v.batch // pack, 2) * pack
    return ("batch",), v.batch, f"is not two or more whole packs of `procedure.pack` = {pack}; use {use}"


def _first(v: Variant) -> Problem | None:
    if v.procedure.stacks and v.latent.size <= v.condition_latent:
        sentence = f"leaves no noise beside the {v.condition_latent} that a condition is made from"
        return ("latent", "size"), v.latent.size, f"{sentence}; use {v.condition_latent + 1} or more"
    if v.first is None:
        return None
    if not v.procedure.stacks:
        sentence = f"has no place before the procedure {v.procedure.kind}; use null, or `procedure.kind: translation`"
        return ("first", "title"), v.first.title, sentence
    if v.first.first or v.first.pretrain.steps:
        sentence = "starts from an earlier training itself; use `first: null` and `pretrain.steps: 0` in it"
        return ("first", "title"), v.first.title, sentence
    if v.first.latent.kind != v.latent.kind:
        sentence = f"is not how the latents of the row are drawn; use `{v.latent.kind}`"
        return ("first", "latent", "kind"), v.first.latent.kind, sentence
    return None


def _pretraining(v: Variant) -> Problem | None:
    if v.pretrain.steps and not v.procedure.pretrains:
        sentence = f"pre-trains a critic of single samples, which {v.procedure.kind} has not; use 0"
        return ("pretrain", "steps"), v.pretrain.steps, sentence
    if not v.pretrain.steps or v.critic.reconstructs:
        return None
    sentence = f"pre-trains an autoencoder, and the critic {v.critic.kind} is none; use `critic.kind: autoencoder` or 0"
    return ("pretrain", "steps"), v.pretrain.steps, sentence


def _players(v: Variant) -> Problem | None:
    for name, part in (("objective", v.objective), ("critic", v.critic)):
        if v.procedure.plays and part.kind == "none":
            sentence = f"leaves the procedure {v.procedure.kind} without its {name}; use another `{name}.kind`"
            return (name, "kind"), part.kind, sentence
        if not v.procedure.plays and part.kind != "none":
            return (name, "kind"), part.kind, f"has no place in the procedure {v.procedure.kind}; use `kind: none`"
    return None


def _procedure(v: Variant) -> Problem | None:
    procedure, generator = v.procedure, v.generator
    if procedure.makes and generator.kind != procedure.makes:
        sentence = f"cannot be made by the procedure {procedure.kind}; use `generator.kind: {procedure.makes}`"
        return ("generator", "kind"), generator.kind, sentence
    if generator.made_by and procedure.kind != generator.made_by:
        sentence = f"is made by another procedure than {procedure.kind}; use `procedure.kind: {generator.made_by}`"
        return ("generator", "kind"), generator.kind, sentence
    if procedure.asks and v.critic.kind != procedure.asks:
        sentence = f"is not one that the procedure {procedure.kind} can train; use `critic.kind: {procedure.asks}`"
        return ("critic", "kind"), v.critic.kind, sentence
    if procedure.normal and v.latent.kind != "normal":
        sentence = f"is not what the procedure {procedure.kind} fits its generator to; use `latent.kind: normal`"
        return ("latent", "kind"), v.latent.kind, sentence
    if procedure.per_sample and v.critic.couples_samples:
        layer, remedy = v.critic.coupling
        sentence = f"couples the samples of a batch by {layer}, and {procedure.kind} climbs the slope at each"
        return ("critic", "kind"), v.critic.kind, f"{sentence}; use {remedy}"
    for i, penalty in enumerate(v.penalties):
        if not procedure.plays or penalty.player not in procedure.trains:
            sentence = f"is in no loss of the procedure {procedure.kind}; remove it"
            return ("penalties", i, "kind"), penalty.kind, sentence
    for i, constraint in enumerate(v.constraints):
        if constraint.player not in procedure.trains:
            sentence = f"has no {constraint.player} to train in the procedure {procedure.kind}; remove it"
            return ("constraints", i, "player"), constraint.player, sentence
    return None


RULES = (
    *(_players, _procedure, _scale, _judges, _penalties, _constraints, _slope, _unrolling),
    *(_shares, _packs, _pretraining, _first),
)
