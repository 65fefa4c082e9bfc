"""Every part beside every other: refused with a remedy, or one finite step of each network.

A pairwise covering array over objective, penalty, constraint, critic and algorithm; an augmentation is a variation of
the plain game, as an axis of its own would take several times as long. The parts are those that the variants of
params.yaml use: a new part is in it as soon as its file and its variant are there.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from covering import Case, all_pairs, covering, pairs_of
from parts_in_use import PARAMS, narrow, parts_in_use, variations
from pydantic import ValidationError
from torch import Tensor, nn

from ganpipe.batches import Batches, DataTransform
from ganpipe.config import configuration
from ganpipe.config.rules import first_problem
from ganpipe.config.variant import Runtime, Variant

POINTS, IMAGES = (2,), (1, 8, 8)
NOTHING = "no"
CONDITIONING = "ganpipe.networks.conditioning"
CPU = torch.device("cpu")
RUNTIME = Runtime(device="cpu", threads=1, precision="float32", deterministic=False)
BASE = configuration.load(PARAMS).variant("non_saturating", "digits")
MLP = narrow(BASE.generator)


def constraints() -> dict[str, Any]:
    return {
        f"{kind} on {network}": part.model_copy(update={"network": network})
        for kind, part in parts_in_use("ganpipe.constraints").items()
        for network in ("critic", "generator")
    }


def critics() -> dict[str, Any]:
    """One of each kind, and of those with cheap layers one for each output and use of batch statistics."""
    found: dict[str, Any] = {}
    for kind, part in parts_in_use("ganpipe.networks.critics").items():
        for one in [narrow(part)] if kind in ("dcgan", "resnet", "patch") else variations(narrow(part)):
            found.setdefault(f"{kind}, {one.output_type}{', batch statistics' * one.uses_batch_stats}", one)
    return found


def algorithms() -> dict[str, tuple[Any, ...]]:
    """Each with a generator, and an augmentation or none: variations of the plain game, the plain game of every
    generator, the other algorithms."""
    generators, game = parts_in_use("ganpipe.networks.generators"), BASE.algorithm
    changes = {
        "packs": {"pack": 2},
        "unrolled": {"unroll_steps": 2},
        "instance noise": {"instance_noise": 0.1},
        "simultaneous": {"dynamics": "simultaneous"},
        "extragradient": {"dynamics": "extragradient"},
        "all at once": {"critic_steps": 2, "pack": 2, "unroll_steps": 2, "instance_noise": 0.1},
    }
    found: dict[str, tuple[Any, ...]] = {name: (narrow(game, **change), MLP) for name, change in changes.items()}
    for kind, augmentation in parts_in_use("ganpipe.augmentations").items():
        if kind != "none":
            found[f"augmented by {kind}"] = (game, MLP, augmentation)
    for kind, generator in generators.items():
        if generator.requires_algorithm is None:
            found[f"{game.kind} of {kind}"] = (game, narrow(generator))
    for kind, part in parts_in_use("ganpipe.algorithms").items():
        made = [g for g in generators.values() if kind == g.requires_algorithm or g.kind == part.requires_generator]
        if kind != game.kind:
            found[kind] = (narrow(part), narrow(made[0]) if made else MLP)
    labelled, ways = parts_in_use("ganpipe.algorithms")["class_conditional"], parts_in_use(CONDITIONING)
    for (way, part), by in zip(ways.items(), ("concatenation", "concatenation", "batch_norm"), strict=True):
        found[f"labels, {way}, {by}"] = (
            narrow(labelled, critic_conditioning=part.model_dump(), generator_conditioning=by, classes=10),
            MLP,
        )
    del found["class_conditional"]
    del found[f"{game.kind} of progressive"], found[f"{game.kind} of affine"]  # as progressive's own, and as mlp
    return found


AXES: dict[str, dict[str, Any]] = {
    "objective": parts_in_use("ganpipe.objectives"),
    "penalty": {NOTHING: None, **parts_in_use("ganpipe.penalties")},
    "constraint": {NOTHING: None, **constraints()},
    "critic": critics(),
    "algorithm": algorithms(),
}
NAMES = {axis: list(values) for axis, values in AXES.items()}


def parts_of(case: Case) -> dict[str, Any]:
    objective, penalty, constraint, critic, (algorithm, generator, *augmentation) = (
        AXES[axis][name] for axis, name in zip(AXES, case, strict=True)
    )
    return {
        "objective": objective,
        "penalties": (penalty,) if penalty else (),
        "constraints": (constraint,) if constraint else (),
        "critic": critic,
        "algorithm": algorithm,
        "generator": generator,
        "batch": 4,
    } | ({"augmentation": augmentation[0]} if augmentation else {})


# what is the same in all cases; the latents are large enough for every generator
REST = {name: getattr(BASE, name) for name in Variant.model_fields}
REST["latent"] = BASE.latent.model_copy(update={"size": 70})


def is_legal(case: Case) -> bool:
    return first_problem(Variant.model_construct(**REST | parts_of(case))) is None


@cache
def array() -> tuple[list[Case], frozenset[Any]]:
    """The cases, and the pairs that a rule forbids."""
    cases, forbidden = covering(NAMES, is_legal)
    return cases, frozenset(forbidden)


def test_every_pair_occurs_and_every_legal_pair_in_a_legal_case() -> None:
    cases, forbidden = array()
    assert len(cases) <= 550
    assert set().union(*(pairs_of(case) for case in cases)) == all_pairs(list(NAMES.values()))
    accepted = [case for case in cases if is_legal(case)]
    assert set().union(*(pairs_of(case) for case in accepted)) == all_pairs(list(NAMES.values())) - forbidden


def test_pairs_of_objective_critic_and_penalty_are_forbidden_by_what_they_say_of_themselves() -> None:
    """A rule that forbids more than it says shows up here."""
    forbidden = {tuple(name for _, name in pair) for pair in array()[1] if {axis for axis, _ in pair} <= {0, 1, 3}}
    expected = set()
    for (o, objective), (c, critic) in product(AXES["objective"].items(), AXES["critic"].items()):
        none = (objective.kind == "none", critic.kind == "none")
        speak = (objective.output_type, objective.num_scores) == (critic.output_type, critic.num_scores)
        if none[0] != none[1] or (not speak and not none[0]) or (objective.compares_samples and critic.has_patches):
            expected.add((o, c))
    for p, penalty in list(AXES["penalty"].items())[1:]:
        for c, critic in AXES["critic"].items():
            no_gradient = penalty.uses_input_gradient and (
                critic.uses_batch_stats or critic.num_scores > 1 or critic.has_patches
            )
            if critic.kind == "none" or no_gradient or (penalty.needs_code and not critic.has_code):
                expected.add((p, c))
        for o, objective in AXES["objective"].items():
            reads = [c for c in AXES["critic"] if (o, c) not in expected and (p, c) not in expected]
            if objective.kind == "none" or not reads:
                expected.add((o, p))
    assert forbidden == expected


@pytest.mark.parametrize("objective", NAMES["objective"])
def test_a_combination_is_refused_with_a_remedy_or_takes_a_step(objective: str) -> None:
    steps = 0
    for case in array()[0]:
        if case[0] != objective:
            continue
        try:
            row = Variant.model_validate(REST | parts_of(case))
        except ValidationError as error:
            (problem,) = error.errors()
            assert problem["type"] == "rule", problem
            assert re.search(r"; (use .*`|remove it$)", problem["msg"]), (case, problem)
            continue
        shapes = [shape for shape in (POINTS, IMAGES) if row.incompatibility(shape) is None]
        if shapes:  # a critic for points with a generator of images is refused by the data
            one_step_of_each_network(row, shapes[0])
            steps += 1
    assert steps > 0


def weights(net: nn.Module) -> list[Tensor]:
    return [weight.detach().clone() for weight in net.parameters()]


def moved(net: nn.Module, before: list[Tensor]) -> bool:
    assert all(weight.isfinite().all() for weight in net.parameters())
    return not all(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))


def one_step_of_each_network(row: Variant, shape: tuple[int, ...]) -> None:
    trainer: Any = row.algorithm.trainer(row, shape, RUNTIME, 0, None)
    data = torch.rand((16, *shape), generator=torch.Generator().manual_seed(0)) * 2 - 1
    data = (data + 1) * 127.5 if len(shape) == 3 else data
    transform = DataTransform("images" if len(shape) == 3 else "points", 1.0)
    source = Batches(data.numpy(), 4, transform, 0, "order", CPU, np.arange(16) % 10)
    if not hasattr(trainer, "generator_step"):
        nets = trainer.generators | trainer.saved_networks
        before = {name: weights(net) for name, net in nets.items()}
        metrics = trainer.train_step(source)
        assert all(value.isfinite() and value.shape == () for value in metrics.values()), (row, metrics)
        assert all(moved(net, before[name]) for name, net in nets.items() if before[name]), row
        return
    trainer.train_step(source)  # whatever it sets up, as the size that progressive growing begins with
    nets = {"critic": trainer.critic, "generator": trainer.generator}
    for network, step in (("critic", trainer.critic_step), ("generator", trainer.generator_step)):
        trainer.steps = 1
        before = {name: weights(net) for name, net in nets.items()}
        batch = next(source)
        metrics = step(*batch) if row.algorithm.takes_labels else step(batch.x)
        assert all(value.isfinite() and value.shape == () for value in metrics.values()), (row, metrics)
        for name, net in nets.items():
            assert moved(net, before[name]) == (name == network), (row, name, network)


def test_the_array_is_the_same_each_time() -> None:
    axes = {"a": ["1", "2"], "b": ["1", "2", "3"], "c": ["x", "y"]}
    legal = lambda case: case[:2] != ("1", "3")  # noqa: E731
    cases, forbidden = covering(axes, legal)
    assert (cases, forbidden) == covering(axes, legal)
    assert forbidden == {((0, "1"), (1, "3"))}
    found = set().union(*(pairs_of(case) for case in cases))
    assert found == all_pairs(list(axes.values()))
    accepted = set().union(*(pairs_of(case) for case in cases if legal(case)))
    assert accepted == found - forbidden
