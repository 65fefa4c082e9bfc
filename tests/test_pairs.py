"""Every part beside every other: refused with a remedy, or one finite step of each player.

A pairwise covering array over objective, penalty, constraint, critic and the variations of the procedure, generated
from the kinds that there are: a new part is in it as soon as its file is there and its parameters are below.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import product
from typing import Any

import pytest
import torch
from covering import Case, all_pairs, covering, pairs_of
from pydantic import ValidationError
from torch import Tensor, nn

from ganpipe.params import kinds, part_class
from ganpipe.training.adversarial import Game
from ganpipe.variant import RULES, Runtime, Variant

Parameters = dict[str, Any]
POINTS, IMAGES = (2,), (1, 8, 8)
MLP: Parameters = {"kind": "mlp", "width": 6, "depth": 1, "norm": "none"}
HINGES = [{"kind": "hinge"}, {"kind": "relativistic_average", "form": "hinge"}]

# what each kind needs beside its name; several ways to use it where the rules tell them apart
OBJECTIVES: dict[str, Parameters] = {
    "began": {"balance": 0.5, "gain": 0.1},
    "energy_margin": {"margin": 1.0},
    "ensemble": {"members": HINGES},
    "f_divergence": {"divergence": "jeffrey", "generator_loss": "trick"},
    "generalized_loss_sensitive": {"margin": 1.0, "slope": 0.5},
    "hinge": {},
    "loss_sensitive": {"margin": 1.0, "real_weight": 0.1},
    "lsgan": {"real": 1.0, "fake": 0.0, "target": 1.0},
    "minimax": {},
    "non_saturating": {},
    "none": {},
    "relativistic_average": {"form": "least_squares"},
    "rpgan": {},
    "wasserstein": {},
}
PENALTIES: dict[str, Parameters] = {
    "dragan": {"target": 1.0, "spread": 0.5},
    "drift": {},
    "gradient_penalty": {"target": 1.0, "one_sided": True},
    "perceptual": {},
    "pull_away": {},
    "r1": {},
    "r2": {},
}
CONSTRAINTS: dict[str, Parameters] = {"clip": {"limit": 0.1}, "spectral_norm": {}}
# each with the data that it judges
CRITICS: dict[str, tuple[tuple[int, ...], Parameters]] = {
    "mlp": (POINTS, MLP | {"output": "score"}),
    "mlp of energies": (POINTS, MLP | {"output": "energy"}),
    "mlp with batch norm": (IMAGES, MLP | {"norm": "batch", "output": "score"}),
    "dcgan": (IMAGES, {"kind": "dcgan", "width": 2, "norm": "layer", "output": "score"}),
    "autoencoder": (POINTS, {"kind": "autoencoder", "layers": "dense", "width": 6, "norm": "none", "code": 3}),
    "autoencoder of images": (
        IMAGES,
        {"kind": "autoencoder", "layers": "convolutions", "width": 2, "norm": "batch", "code": 3},
    ),
    "ensemble": (POINTS, {"kind": "ensemble", "count": 2, "member": MLP | {"output": "score"}}),
    "none": (POINTS, {"kind": "none"}),
    "resnet": (IMAGES, {"kind": "resnet", "width": 4, "norm": "none", "attention": 4, "output": "score"}),
    "progressive": (IMAGES, {"kind": "progressive", "width": 2, "deviation": True, "output": "score"}),
}
PROCEDURES: dict[str, Parameters] = {
    "plain": {},
    "two critic steps": {"critic_steps": 2},
    "packs": {"pack": 2},
    "unrolled": {"unroll": {"steps": 2, "lr": 0.01}},
    "instance noise": {"instance_noise": 0.1},
    "all at once": {"critic_steps": 2, "pack": 2, "unroll": {"steps": 2, "lr": 0.01}, "instance_noise": 0.1},
}
NOTHING = "no"
AXES: dict[str, list[str]] = {
    "objective": sorted({*kinds("ganpipe.objectives"), *OBJECTIVES}),
    "penalty": [NOTHING, *sorted({*kinds("ganpipe.penalties"), *PENALTIES})],
    "constraint": [
        NOTHING,
        *(f"{kind} on {player}" for kind in sorted({*kinds("ganpipe.constraints"), *CONSTRAINTS})
          for player in ("critic", "generator")),
    ],  # fmt: skip
    "critic": list(CRITICS),
    "procedure": list(PROCEDURES),
}
RUNTIME = Runtime(device="cpu", threads=1, precision="float32")
ADAM = {"kind": "adam", "lr": 0.001, "betas": [0.5, 0.9]}


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def parameters(case: Case) -> Parameters:
    """The row that a case stands for."""
    objective, penalty, constraint, critic, procedure = case
    kind, _, player = constraint.partition(" on ")
    base = {"kind": "adversarial", "critic_steps": 1, "pack": 1, "unroll": {"steps": 0, "lr": 0.1}}
    return {
        "title": "A pair",
        "objective": {"kind": objective, **OBJECTIVES[objective]},
        "penalties": [] if penalty == NOTHING else [{"kind": penalty, "weight": 1.0, **PENALTIES[penalty]}],
        "constraints": [] if constraint == NOTHING else [{"kind": kind, "player": player, **CONSTRAINTS[kind]}],
        "critic": CRITICS[critic][1],
        "generator": MLP | {"norm": "batch"},
        "procedure": base | {"instance_noise": 0.0} | PROCEDURES[procedure],
        "generator_optimizer": ADAM,
        "critic_optimizer": ADAM,
        "latent": {"kind": "normal", "size": 3},
        "pretrain": {"steps": 0, "seed": 0, "optimizer": ADAM},
        **{"steps": 4, "batch": 4, "ema": 0.9, "samples": 100, "log_every": 1, "grid_every": 1},
    }


@cache
def array() -> tuple[list[Case], frozenset[Any]]:
    """The cases, and the pairs that a rule forbids."""
    # the rules on parts that are validated once each: a combination costs microseconds
    field = {"objective": {}, "penalty": {}, "constraint": {}, "critic": {}, "procedure": {}}
    for place, (axis, values) in enumerate(AXES.items()):
        for value in values:
            case = [axis_values[0] for axis_values in AXES.values()]
            case[place] = value
            row = parameters(tuple(case))
            key = {"penalty": "penalties", "constraint": "constraints"}.get(axis, axis)
            field[axis][value] = part_of(key, row[key])
    common = parameters(tuple(values[0] for values in AXES.values()))
    rest = {"generator": part_of("generator", common["generator"]), "latent": None, "batch": common["batch"]}
    pretrain = Variant.model_fields["pretrain"].annotation
    assert pretrain is not None
    rest["pretrain"] = pretrain.model_validate(common["pretrain"])
    latent = Variant.model_fields["latent"].annotation
    assert latent is not None
    rest["latent"] = latent.model_validate(common["latent"])

    def legal(case: Case) -> bool:
        objective, penalty, constraint, critic, procedure = case
        whole = Variant.model_construct(
            objective=field["objective"][objective],
            penalties=field["penalty"][penalty],
            constraints=field["constraint"][constraint],
            critic=field["critic"][critic],
            procedure=field["procedure"][procedure],
            **rest,
        )
        return all(rule(whole) is None for rule in RULES)

    cases, forbidden = covering(AXES, legal)
    return cases, frozenset(forbidden)


def part_of(key: str, value: Any) -> Any:
    """A validated part, or a tuple of them."""
    package = {"generator": "networks.generators", "critic": "networks.critics", "objective": "objectives"}.get(key)
    package = package or {"procedure": "procedures"}.get(key, key)
    if isinstance(value, list):
        return tuple(part_of(key, one) for one in value)
    return part_class(f"ganpipe.{package}", value["kind"]).model_validate(value)


def test_every_kind_has_its_parameters_here() -> None:
    """A part that is new gets a line above, and with it its place beside all others."""
    assert set(OBJECTIVES) == set(kinds("ganpipe.objectives"))
    assert set(PENALTIES) == set(kinds("ganpipe.penalties"))
    assert set(CONSTRAINTS) == set(kinds("ganpipe.constraints"))
    assert {critic["kind"] for _, critic in CRITICS.values()} == set(kinds("ganpipe.networks.critics"))


def test_every_pair_occurs_and_every_legal_pair_in_a_legal_case() -> None:
    cases, forbidden = array()
    assert len(cases) <= 400
    assert len(set(cases)) == len(cases)
    assert set().union(*(pairs_of(case) for case in cases)) == all_pairs(list(AXES.values()))
    accepted = [case for case in cases if refusal(case) is None]
    assert set().union(*(pairs_of(case) for case in accepted)) == all_pairs(list(AXES.values())) - forbidden


def refusal(case: Case) -> str | None:
    """The sentence that refuses the row; None where it is legal."""
    try:
        Variant.model_validate(parameters(case))
    except ValidationError as error:
        (problem,) = error.errors()
        assert problem["type"] == "rule", problem
        return str(problem["msg"])
    return None


# each rule with a word of its sentence, and the pairs of axes whose values it can forbid
FORBIDDEN = {
    ("objective", "critic"),  # score or energy, one score or several, and no objective or no critic
    ("objective", "penalty"),  # no penalty on codes for objectives that only a critic without codes can serve
    ("objective", "constraint"),  # none, which stands for itself
    ("objective", "procedure"),
    ("penalty", "critic"),
    ("penalty", "procedure"),
    ("constraint", "critic"),
    ("constraint", "procedure"),
    ("critic", "procedure"),
}


def test_pairs_are_forbidden_by_the_rules_that_are_known() -> None:
    """What no legal case has, in words: a rule that forbids more than it says shows up here."""
    names = list(AXES)
    scores = {"f_divergence", "generalized_loss_sensitive", "hinge", "lsgan", "minimax", "non_saturating"}
    scores |= {"relativistic_average", "rpgan", "wasserstein"}
    energies = {"began", "energy_margin", "loss_sensitive"}
    of_one_score = {"mlp", "mlp with batch norm", "dcgan", "resnet", "progressive"}
    of_energies = {"mlp of energies", "autoencoder", "autoencoder of images"}
    slopes, codes = {"dragan", "gradient_penalty", "r1", "r2"}, {"perceptual", "pull_away"}
    coupled = {"mlp with batch norm", "autoencoder of images", "progressive"}

    def known(one: tuple[str, str], other: tuple[str, str]) -> bool:
        (_, a), (to, b) = one, other
        if "none" in (a, b):
            return True
        if one[0] == "objective" and to == "critic":
            fits = of_one_score if a in scores else of_energies if a in energies else {"ensemble"}
            return b not in fits
        if one[0] == "objective" and to == "penalty":
            return (b in codes and a not in energies) or (b in slopes and a == "ensemble")
        if one[0] == "penalty" and to == "critic":
            return (a in slopes and b in coupled | {"ensemble"}) or (a in codes and not b.startswith("autoencoder"))
        return (a, b) in {("clip on critic", "unrolled"), ("clip on critic", "all at once")}

    _, forbidden = array()
    expected = {
        pair
        for pair in all_pairs(list(AXES.values()))
        if known(*((names[axis], value) for axis, value in pair))  # type: ignore[arg-type]
    }
    assert forbidden == expected


@pytest.mark.parametrize("objective", AXES["objective"])
def test_a_combination_is_refused_with_a_remedy_or_takes_a_step(objective: str) -> None:
    found = [case for case in array()[0] if case[0] == objective]
    assert found
    for case in found:
        sentence = refusal(case)
        if sentence is None:
            one_step_of_each_player(case)
        else:
            assert re.search(r"; use .*`", sentence), (case, sentence)


def weights(net: nn.Module) -> list[Tensor]:
    return [weight.detach().clone() for weight in net.parameters()]


def moved(net: nn.Module, before: list[Tensor]) -> bool:
    assert all(weight.isfinite().all() for weight in net.parameters())
    return not all(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))


def one_step_of_each_player(case: Case) -> None:
    shape = CRITICS[case[3]][0]
    variant = Variant.model_validate(parameters(case))
    assert variant.unfit(shape) is None, case
    at = Game(variant, shape, RUNTIME, 0, None)
    real = torch.rand((4, *shape), generator=torch.Generator().manual_seed(0)) * 2 - 1
    steps = (("critic", at._critic_step), ("generator", at._generator_step))
    for player, step in steps:
        at.steps = 1
        before = {name: weights(net) for name, net in at.players.items()}
        figures = step(real)
        assert all(value.isfinite() and value.shape == () for value in figures.values()), (case, figures)
        for name, net in at.players.items():
            assert moved(net, before[name]) == (name == player), (case, name, player)


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
    assert len(cases) <= len(list(product(*axes.values()))) - 4
