"""The rules on what an algorithm does in its steps, and before the first."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ganpipe.config.variant import Variant


class Problem(NamedTuple):
    """A key, its value, and a sentence about it without its subject: what is wrong; what to use instead."""

    loc: tuple[str | int, ...]
    value: object
    sentence: str


def _top_k(v: Variant) -> Problem | None:
    """The best of the generated samples are those with scores that say so."""
    loc, share = ("algorithm", "top_k"), getattr(v.algorithm, "top_k", 1.0)
    if share == 1:
        return None
    if not v.objective.is_directed:
        sentence = f"asks which scores are real, of which the objective {v.objective.kind} says nothing; use 1.0"
        return Problem(loc, share, sentence)
    if getattr(v.algorithm, "unroll_steps", 0):
        sentence = "leaves generated samples out of the value of which an unrolled generator goes down"
        return Problem(loc, share, f"{sentence}; use 1.0, or `algorithm.unroll_steps: 0`")
    return None


def _unrolling(v: Variant) -> Problem | None:
    """The differentiable steps of an unrolled critic are Adam's, and constraints hold in them as well."""
    if not getattr(v.algorithm, "unroll_steps", 0):
        return None
    if v.objective.output_type == "energy":
        sentence = (
            "is no zero-sum game, of whose value an unrolled generator goes down; use `algorithm.unroll_steps: 0`"
        )
        return Problem(("objective", "kind"), v.objective.kind, sentence)
    if v.critic_optimizer.kind != "adam":
        sentence = "has no differentiable steps for an unrolled critic; use adam, or `algorithm.unroll_steps: 0`"
        return Problem(("critic_optimizer", "kind"), v.critic_optimizer.kind, sentence)
    for i, constraint in enumerate(v.constraints):
        if constraint.network == "critic" and not constraint.supports_unrolling:
            sentence = "does not hold in the steps of an unrolled critic"
            remedy = "use spectral_norm, or `algorithm.unroll_steps: 0`"
            return Problem(("constraints", i, "kind"), constraint.kind, f"{sentence}; {remedy}")
    return None


def _dynamics(v: Variant) -> Problem | None:
    """A step of both networks from the same weights is one of each, at the critic as it is."""
    dynamics = getattr(v.algorithm, "dynamics", "alternating")
    if dynamics == "alternating":
        return None
    loc = ("algorithm", "dynamics")
    for key, plain in (("critic_steps", 1), ("unroll_steps", 0)):
        if (found := getattr(v.algorithm, key)) != plain:
            sentence = f"takes one step of each network from the same weights, and `algorithm.{key}` is {found}"
            return Problem(loc, dynamics, f"{sentence}; use `algorithm.{key}: {plain}`, or alternating")
    return None


def _generator_ensemble(v: Variant) -> Problem | None:
    """A batch is divided among the generators of an ensemble."""
    generators, pack = v.generator.num_generators, getattr(v.algorithm, "pack", 1)
    if generators > 1 and pack > 1:
        sentence = "joins samples of fixed members of the ensemble, by which the critic tells packs from real ones"
        return Problem(("algorithm", "pack"), pack, f"{sentence}; use `pack: 1` with `generator.kind: ensemble`")
    if generators > 1 and not v.algorithm.is_adversarial:
        sentence = f"gives each member a part of the batch, and {v.algorithm.kind} trains a single generator"
        remedy = "use `generator.kind: mlp` or another single one"
        return Problem(("generator", "kind"), v.generator.kind, f"{sentence}; {remedy}")
    if v.batch < 2 * generators:  # batch norm needs two samples
        sentence = f"is less than two samples for each of the {generators} generators; use `batch: {2 * generators}`"
        return Problem(("batch",), v.batch, sentence)
    return None


def _packs(v: Variant) -> Problem | None:
    """A batch is a whole number of packs, and at least two, for batch norm and the pulling-away term."""
    pack = getattr(v.algorithm, "pack", 1)
    if v.batch % pack == 0 and v.batch >= 2 * pack:
        return None
    use = max(v.batch // pack, 2) * pack
    return Problem(("batch",), v.batch, f"is not two or more whole packs of `algorithm.pack` = {pack}; use {use}")


def _pretraining(v: Variant) -> Problem | None:
    """Pre-training is that of an autoencoder critic on samples as they are."""
    loc, steps = ("pretrain", "steps"), v.pretrain.steps
    if steps and not v.algorithm.supports_pretraining:
        sentence = f"pre-trains a critic of single samples, which {v.algorithm.kind} has not; use 0"
        return Problem(loc, steps, sentence)
    if steps and not v.critic.is_autoencoder:
        sentence = f"pre-trains an autoencoder, and the critic {v.critic.kind} is none"
        return Problem(loc, steps, f"{sentence}; use `critic.kind: autoencoder` or 0")
    return None


def _stage1(v: Variant) -> Problem | None:
    """A conditional generator gets part of the latent as noise; the first GAN makes the condition from the rest."""
    if v.algorithm.is_conditional and v.latent.size <= v.condition_latent:
        sentence = f"leaves no noise beside the {v.condition_latent} that a condition is made from"
        return Problem(("latent", "size"), v.latent.size, f"{sentence}; use {v.condition_latent + 1} or more")
    if v.stage1 is None:
        return None
    loc = ("stage1", "title")
    if not v.algorithm.is_conditional or v.algorithm.takes_labels:
        sentence = f"has no place before the algorithm {v.algorithm.kind}; use null, or `algorithm.kind: pix2pix`"
        return Problem(loc, v.stage1.title, sentence)
    if v.stage1.stage1 or v.stage1.pretrain.steps:
        sentence = "starts from an earlier training itself; use `stage1: null` and `pretrain.steps: 0` in it"
        return Problem(loc, v.stage1.title, sentence)
    if v.stage1.algorithm.takes_labels:
        sentence = "makes conditions from latents alone, without labels; use `algorithm.kind: adversarial` in it"
        return Problem(loc, v.stage1.title, sentence)
    if v.stage1.latent.kind != v.latent.kind:
        sentence = f"is not how the latents of the variant are drawn; use `{v.latent.kind}`"
        return Problem(("stage1", "latent", "kind"), v.stage1.latent.kind, sentence)
    return None


# in this order
STEP_RULES = (_top_k, _unrolling, _dynamics, _generator_ensemble, _packs, _pretraining, _stage1)
