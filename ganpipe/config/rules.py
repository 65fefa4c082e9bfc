"""The rules on combinations of parts. Each gives the first problem that it finds, with the remedy, or None."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganpipe.config.step_rules import STEP_RULES, Problem

if TYPE_CHECKING:
    from ganpipe.config.variant import Variant


def _objective_and_critic(v: Variant) -> Problem | None:
    """An adversarial training needs both; any other has neither."""
    for name, part in (("objective", v.objective), ("critic", v.critic)):
        if v.algorithm.is_adversarial and part.kind == "none":
            sentence = f"leaves the algorithm {v.algorithm.kind} without its {name}; use another `{name}.kind`"
            return Problem((name, "kind"), part.kind, sentence)
        if not v.algorithm.is_adversarial and part.kind != "none":
            sentence = f"has no place in the algorithm {v.algorithm.kind}; use `kind: none`"
            return Problem((name, "kind"), part.kind, sentence)
    return None


def _networks_of_the_algorithm(v: Variant) -> Problem | None:
    """Some algorithms train one kind of network alone, and some networks are trained by one algorithm alone."""
    algorithm, generator = v.algorithm, v.generator
    if algorithm.requires_generator and generator.kind != algorithm.requires_generator:
        sentence = (
            f"cannot be made by the algorithm {algorithm.kind}; use `generator.kind: {algorithm.requires_generator}`"
        )
        return Problem(("generator", "kind"), generator.kind, sentence)
    required = generator.requires_algorithm
    if required and algorithm.kind != required:
        sentence = f"is made by another algorithm than {algorithm.kind}; use `algorithm.kind: {required}`"
        return Problem(("generator", "kind"), generator.kind, sentence)
    if algorithm.requires_critic and v.critic.kind != algorithm.requires_critic:
        sentence = (
            f"is not one that the algorithm {algorithm.kind} can train; use `critic.kind: {algorithm.requires_critic}`"
        )
        return Problem(("critic", "kind"), v.critic.kind, sentence)
    if algorithm.uses_input_gradient and v.critic.uses_batch_stats:
        layer, remedy = v.critic.batch_stats_layer
        sentence = f"couples the samples of a batch by {layer}, and {algorithm.kind} needs the gradient at each"
        return Problem(("critic", "kind"), v.critic.kind, f"{sentence}; use {remedy}")
    return None


def _latents(v: Variant) -> Problem | None:
    """Some algorithms fit the generator to N(0, 1)."""
    if not v.algorithm.requires_normal_latent or v.latent.kind == "normal":
        return None
    sentence = f"is not what the algorithm {v.algorithm.kind} fits its generator to; use `latent.kind: normal`"
    return Problem(("latent", "kind"), v.latent.kind, sentence)


def _networks_of_penalties_and_constraints(v: Variant) -> Problem | None:
    """A penalty needs a loss that it joins, a constraint a network that is trained."""
    for i, penalty in enumerate(v.penalties):
        if not v.algorithm.is_adversarial or penalty.network not in v.algorithm.trained_networks:
            sentence = f"is in no loss of the algorithm {v.algorithm.kind}; remove it"
            return Problem(("penalties", i, "kind"), penalty.kind, sentence)
    for i, constraint in enumerate(v.constraints):
        if constraint.network not in v.algorithm.trained_networks:
            sentence = f"has no {constraint.network} to train in the algorithm {v.algorithm.kind}; remove it"
            return Problem(("constraints", i, "network"), constraint.network, sentence)
    return None


def _output_type(v: Variant) -> Problem | None:
    """The critic returns what the objective reads, a score or an energy."""
    reads, gives = v.objective.output_type, v.critic.output_type
    if reads == gives:
        return None
    remedy = "`output: energy`, or `kind: autoencoder`" if reads == "energy" else "`output: score`"
    return Problem(
        ("critic", "kind"),
        v.critic.kind,
        f"does not fit `objective.kind`: {v.objective.kind} reads the critic's {reads}, and the critic {v.critic.kind} "
        f"emits {'an energy' if gives == 'energy' else 'a score'}; use a critic with {remedy}",
    )


def _direction(v: Variant) -> Problem | None:
    """Up a score lie real samples."""
    if v.objective.is_directed or not v.algorithm.climbs_score:
        return None
    sentence = f"does not say which scores are real, and samples of the algorithm {v.algorithm.kind} climb the score"
    return Problem(("objective", "kind"), v.objective.kind, f"{sentence}; use `objective.kind: wgan` or another")


def _num_scores(v: Variant) -> Problem | None:
    """The critic gives as many scores per sample as the objective reads."""
    reads, gives = v.objective.num_scores, v.critic.num_scores
    if reads == gives:
        return None
    found = f"gives {gives} score{'s' * (gives > 1)} a sample, and the objective {v.objective.kind} reads {reads}"
    if reads > 1 and gives > 1:
        return Problem(("critic", "num_members"), gives, f"{found}; use `num_members: {reads}`")
    ensemble = f"`critic.kind: ensemble` with `num_members: {reads}`"
    remedy = ensemble if reads > 1 else "`critic.kind: mlp` or another of one score"
    return Problem(("critic", "kind"), v.critic.kind, f"{found}; use {remedy}")


def _patches(v: Variant) -> Problem | None:
    """A critic of patches gives each sample many scores, all of one sort."""
    if not v.critic.has_patches or not v.objective.compares_samples:
        return None
    sentence = f"scores patches, and the objective {v.objective.kind} reads one score for each sample"
    return Problem(("critic", "kind"), v.critic.kind, f"{sentence}; use `critic.kind: dcgan`")


def _penalties_and_critic(v: Variant) -> Problem | None:
    """The critic has the code, or the gradient at single samples, that a penalty reads."""
    for i, penalty in enumerate(v.penalties):
        loc = ("penalties", i, "kind")
        if penalty.needs_code and not v.critic.has_code:
            remedy = "remove it"
            if not v.algorithm.requires_critic:
                remedy = "use `critic.kind: autoencoder`"
                if v.objective.output_type == "score":
                    remedy += " with `objective.kind: ebgan`, or remove it"
            sentence = f"needs the critic's codes, and the critic {v.critic.kind} has none; {remedy}"
            return Problem(loc, penalty.kind, sentence)
        if penalty.uses_input_gradient and v.critic.uses_batch_stats:
            layer, remedy = v.critic.batch_stats_layer
            sentence = f"reads the critic's gradient at single samples, and {layer} couples the samples of a batch"
            return Problem(loc, penalty.kind, f"{sentence}; use {remedy}")
        if penalty.uses_input_gradient and (v.critic.num_scores > 1 or v.critic.has_patches):
            several = "patches have one each" if v.critic.has_patches else "an ensemble has several"
            sentence = f"reads one gradient of the critic a sample, and {several}"
            remedy = "use `constraints: [{kind: spectral_norm, network: critic}]`"
            return Problem(loc, penalty.kind, f"{sentence}; {remedy}")
    return None


def _one_penalty_with_state(v: Variant) -> Problem | None:
    """What a penalty remembers from step to step is kept by its kind."""
    for i, penalty in enumerate(v.penalties):
        if penalty.has_state and any(penalty.kind == other.kind for other in v.penalties[:i]):
            sentence = "is a second one of its kind, and the two would share what they remember; remove one"
            return Problem(("penalties", i, "kind"), penalty.kind, sentence)
    return None


def _one_constraint_per_network(v: Variant) -> Problem | None:
    for i, constraint in enumerate(v.constraints):
        if any(constraint.network == other.network for other in v.constraints[:i]):
            sentence = f"is a second constraint on the weights of the {constraint.network}, and the two undo each other"
            return Problem(("constraints", i, "kind"), constraint.kind, f"{sentence}; use one for each `network`")
    return None


def _constraints_and_networks(v: Variant) -> Problem | None:
    """A norm that weights are divided by is not 0."""
    for i, constraint in enumerate(v.constraints):
        network = v.critic if constraint.network == "critic" else v.generator
        if constraint.divides_by_norm and network.starts_at_zero:
            sentence = f"divides weights by a norm of them, and layers of the {constraint.network} {network.kind} start"
            remedy = f"use weight_clipping or none, or another `{constraint.network}.kind`"
            return Problem(("constraints", i, "kind"), constraint.kind, f"{sentence} at 0; {remedy}")
    return None


def _lipschitz(v: Variant) -> Problem | None:
    """A loss without a bound needs a critic whose gradient is limited."""
    limited = any(penalty.bounds_loss for penalty in v.penalties) or any(c.network == "critic" for c in v.constraints)
    if not v.objective.needs_lipschitz or limited or "generator" not in v.algorithm.trained_networks:
        return None
    sentence = "has no bound without a limit to the critic's gradient"
    remedy = "use a gradient penalty in `penalties`"
    if not v.critic.starts_at_zero:
        remedy += ", or `constraints: [{kind: spectral_norm, network: critic}]`"
    return Problem(("objective", "kind"), v.objective.kind, f"{sentence}; {remedy}")


def _labels(v: Variant) -> Problem | None:
    """Networks that can take labels in the way that the algorithm names."""
    conditioning = getattr(v.algorithm, "critic_conditioning", None)
    if conditioning is None:
        return None
    if conditioning.reads_features and not v.critic.has_linear_head:
        sentence = f"has no features that the conditioning {conditioning.kind} could read"
        remedy = "use `critic.kind: dcgan`, or `algorithm.critic_conditioning.kind: concatenation`"
        return Problem(("critic", "kind"), v.critic.kind, f"{sentence}; {remedy}")
    by = getattr(v.algorithm, "generator_conditioning", None)
    if by == "batch_norm" and getattr(v.generator, "norm", None) != "batch":
        sentence = f"needs a generator with batch norm, which this generator {v.generator.kind} has not"
        return Problem(
            ("algorithm", "generator_conditioning"), by, f"{sentence}; use `generator.norm: batch`, or concatenation"
        )
    return None


def _augmentation(v: Variant) -> Problem | None:
    """A critic that sees samples through it, and whose scores mean what it reads."""
    loc, kind = ("augmentation", "kind"), v.augmentation.kind
    if kind != "none" and not v.algorithm.supports_augmentation:
        sentence = f"has no place in the algorithm {v.algorithm.kind}; use `augmentation.kind: none`"
        return Problem(loc, kind, sentence)
    if v.augmentation.reads_sign and not v.objective.decides_at_zero:
        sentence = f"reads the sign of the scores, which says nothing with the objective {v.objective.kind}"
        remedy = "use `objective.kind: non_saturating`, minimax or hinge, or `augmentation.kind: diffaugment`"
        return Problem(loc, kind, f"{sentence}; {remedy}")
    return None


def _snapshots(v: Variant) -> Problem | None:
    """A snapshot is taken of a training that is still going on."""
    if not v.snapshots.steps or v.snapshots.steps[-1] <= v.steps:
        return None
    last = len(v.snapshots.steps) - 1
    sentence = f"comes after the last step, `steps` = {v.steps}; use at most {v.steps}, or remove it"
    return Problem(("snapshots", "steps", last), v.snapshots.steps[-1], sentence)


# in this order: a rule may rely on those before it
RULES = (
    _objective_and_critic,
    _networks_of_the_algorithm,
    _latents,
    _networks_of_penalties_and_constraints,
    _output_type,
    _direction,
    _num_scores,
    _patches,
    _penalties_and_critic,
    _one_penalty_with_state,
    _one_constraint_per_network,
    _constraints_and_networks,
    _lipschitz,
    *STEP_RULES,
    _labels,
    _augmentation,
    _snapshots,
)


def first_problem(v: Variant) -> Problem | None:
    """What the first rule that the variant breaks says; None where it breaks none."""
    return next((problem for rule in RULES if (problem := rule(v))), None)
