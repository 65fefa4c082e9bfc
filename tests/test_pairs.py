"""Every part beside every other: refused with a remedy, or one finite step of each player.

A pairwise covering array over objective, penalty, constraint, critic and the variations of the procedure, generated
from the kinds that there are: a new part is in it as soon as its file is there and its parameters are below.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import product
from typing import Any

import pytest
import torch
from covering import Case, all_pairs, covering, pairs_of
from pydantic import ValidationError
from torch import Tensor, nn

from ganpipe.algorithms.adversarial import GANTrainer
from ganpipe.algorithms.progressive import ProgressiveTrainer
from ganpipe.algorithms.translation import Pix2PixTrainer
from ganpipe.batches import Batches, Space
from ganpipe.params import kinds, part_class
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
    "progressive": (IMAGES, {"kind": "progressive", "width": 2, "deviation": False, "output": "score"}),
    "progressive with deviation": (IMAGES, {"kind": "progressive", "width": 2, "deviation": True, "output": "score"}),
    "progressive of energies": (IMAGES, {"kind": "progressive", "width": 2, "deviation": False, "output": "energy"}),
}
ENCODER = MLP
PHASES = [
    {"size": 4, "fade": 0.0, "stable": 1.0, "batch": 4},
    {"size": 8, "fade": 1.0, "stable": 1.0, "batch": 4},
]
UNET = {"kind": "unet", "width": 2, "norm": "batch"}
COARSE = {"kind": "coarse", "factor": 2}
# the kinds beside the game, each with the generator that it makes, if there is one only
OTHERS: dict[str, tuple[Parameters, Parameters | None]] = {
    "autoencoder": ({"encoder": ENCODER}, None),
    "critic_only": ({"noise": 0.1}, {"kind": "climber", "steps": 2, "rate": 0.1}),
    "gmm": ({"floor": 0.1, "restarts": 1}, {"kind": "gmm", "components": 2, "covariance": "diag"}),
    "progressive": ({"critic_steps": 1, "phases": PHASES}, {"kind": "progressive", "width": 2}),
    "translation": ({"critic_steps": 1, "l1": 1.0, "observed": 5, "condition": COARSE}, UNET),
    "vae": ({"deviation": 0.3, "encoder": ENCODER}, None),
}
# other generators than the perceptron, by the procedure that they are used in
GENERATORS: dict[str, Parameters] = {
    "plain with convolutions": {"kind": "dcgan", "width": 2, "norm": "batch"},
    "plain with residual blocks": {"kind": "resnet", "width": 2, "norm": "batch", "attention": 4},
    "plain with several generators": {"kind": "ensemble", "count": 2, "member": MLP | {"norm": "batch"}},
}
OF_IMAGES = {"progressive", "translation", "plain with convolutions", "plain with residual blocks"}
WITHOUT_A_GAME = {"autoencoder", "gmm", "vae"}
PROCEDURES: dict[str, Parameters] = {
    "plain": {},
    "two critic steps": {"critic_steps": 2},
    "packs": {"pack": 2},
    "plain with convolutions": {},
    "plain with residual blocks": {},
    "plain with several generators": {},
    "unrolled": {"unroll": {"steps": 2, "lr": 0.0001}},
    "instance noise": {"instance_noise": 0.1},
    "all at once": {"critic_steps": 2, "pack": 2, "unroll": {"steps": 2, "lr": 0.0001}, "instance_noise": 0.1},
}
NOTHING = "no"
AXES: dict[str, list[str]] = {
    "objective": sorted({*kinds("ganpipe.objectives"), *OBJECTIVES}),
    "penalty": [NOTHING, *sorted({*kinds("ganpipe.penalties"), *PENALTIES})],
    "constraint": [
        NOTHING,
        *(
            f"{kind} on {player}"
            for kind in sorted({*kinds("ganpipe.constraints"), *CONSTRAINTS})
            for player in ("critic", "generator")
        ),
    ],
    "critic": list(CRITICS),
    "procedure": [*PROCEDURES, *sorted({*kinds("ganpipe.algorithms"), *OTHERS} - {"adversarial"})],
}
CPU = torch.device("cpu")
RUNTIME = Runtime(device="cpu", threads=1, precision="float32", deterministic=False)
ADAM = {"kind": "adam", "lr": 0.001, "betas": [0.5, 0.9]}


def parameters(case: Case) -> Parameters:
    """The row that a case stands for."""
    objective, penalty, constraint, critic, procedure = case
    kind, _, player = constraint.partition(" on ")
    base = {"kind": "adversarial", "critic_steps": 1, "pack": 1, "unroll": {"steps": 0, "lr": 0.1}}
    more, made = OTHERS.get(procedure, ({}, None))
    return {
        "title": "A pair",
        "objective": {"kind": objective, **OBJECTIVES[objective]},
        "penalties": [] if penalty == NOTHING else [{"kind": penalty, "weight": 1.0, **PENALTIES[penalty]}],
        "constraints": [] if constraint == NOTHING else [{"kind": kind, "player": player, **CONSTRAINTS[kind]}],
        "critic": CRITICS[critic][1],
        "generator": made or GENERATORS.get(procedure, MLP | {"norm": "batch"}),
        "procedure": {"kind": procedure, **more}
        if procedure in OTHERS
        else base | {"instance_noise": 0.0} | PROCEDURES[procedure],
        "generator_optimizer": ADAM,
        "critic_optimizer": ADAM,
        "latent": {"kind": "normal", "size": 70},
        "first": None,
        "pretrain": {"steps": 0, "seed": 0, "optimizer": ADAM},
        **{
            "steps": 4,
            "batch": 4,
            "ema": 0.9,
            "samples": 100,
            "log_every": 1,
            "grid_every": 1,
            "moments": {"count": 2, "samples": 100},
        },
        "watch": {
            "variance": 0.05,
            "modes": 0.5,
            "present": 0.1,
            "vendi": 0.25,
            "width": 0.3,
            "change": 0.001,
            "limit": 1e6,
        },
    }


@cache
def array() -> tuple[list[Case], frozenset[Any]]:
    """The cases, and the pairs that a rule forbids."""
    # the rules on parts that are validated once each: a combination costs microseconds
    field = {"objective": {}, "penalty": {}, "constraint": {}, "critic": {}, "procedure": {}, "generator": {}}
    for place, (axis, values) in enumerate(AXES.items()):
        for value in values:
            case = [axis_values[0] for axis_values in AXES.values()]
            case[place] = value
            row = parameters(tuple(case))
            key = {"penalty": "penalties", "constraint": "constraints"}.get(axis, axis)
            field[axis][value] = part_of(key, row[key])
            if axis == "procedure":
                field["generator"][value] = part_of("generator", row["generator"])
    common = parameters(tuple(values[0] for values in AXES.values()))
    rest = {"first": None, "batch": common["batch"]}
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
            generator=field["generator"][procedure],
            **rest,
        )
        return all(rule(whole) is None for rule in RULES)

    cases, forbidden = covering(AXES, legal)
    return cases, frozenset(forbidden)


def part_of(key: str, value: Any) -> Any:
    """A validated part, or a tuple of them."""
    package = {"generator": "networks.generators", "critic": "networks.critics", "objective": "objectives"}.get(key)
    package = package or {"procedure": "algorithms"}.get(key, key)
    if isinstance(value, list):
        return tuple(part_of(key, one) for one in value)
    return part_class(f"ganpipe.{package}", value["kind"]).model_validate(value)


def test_every_kind_has_its_parameters_here() -> None:
    """A part that is new gets a line above, and with it its place beside all others."""
    assert set(OBJECTIVES) == set(kinds("ganpipe.objectives"))
    assert set(PENALTIES) == set(kinds("ganpipe.penalties"))
    assert set(CONSTRAINTS) == set(kinds("ganpipe.constraints"))
    assert {critic["kind"] for _, critic in CRITICS.values()} == set(kinds("ganpipe.networks.critics"))
    assert {"adversarial", *OTHERS} == set(kinds("ganpipe.algorithms"))
    generators = [MLP, *GENERATORS.values(), *(made for _, made in OTHERS.values() if made)]
    # one mean and one scale, for the example in one dimension: tests/networks and the row fgan_kl on gaussian_1d
    assert {part["kind"] for part in generators} | {"affine"} == set(kinds("ganpipe.networks.generators"))


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


def test_pairs_are_forbidden_by_the_rules_that_are_known() -> None:
    """What no legal case has, in words: a rule that forbids more than it says shows up here."""
    names = list(AXES)
    scores = {"f_divergence", "generalized_loss_sensitive", "hinge", "lsgan", "minimax", "non_saturating"}
    scores |= {"relativistic_average", "rpgan", "wasserstein"}
    energies = {"began", "energy_margin", "loss_sensitive"}
    growing = {"progressive", "progressive with deviation", "progressive of energies"}
    of_energies = {"mlp of energies", "autoencoder", "autoencoder of images", "progressive of energies"}
    of_one_score = {"mlp", "mlp with batch norm", "dcgan", "resnet"} | growing - of_energies
    slopes, codes = {"dragan", "gradient_penalty", "r1", "r2"}, {"perceptual", "pull_away"}
    coupled = {"mlp with batch norm", "autoencoder of images", "progressive with deviation"}

    def known(case: dict[str, str]) -> bool:
        objective, critic, procedure = (case.get(axis) for axis in ("objective", "critic", "procedure"))
        penalty, constraint = case.get("penalty", NOTHING), case.get("constraint", NOTHING)
        if "none" in (objective, critic) or procedure in WITHOUT_A_GAME:
            game = objective not in (None, "none") or critic not in (None, "none")
            game |= procedure not in (None, *WITHOUT_A_GAME) or penalty != NOTHING or constraint.endswith("critic")
            return game or (procedure == "gmm" and constraint != NOTHING)
        if objective and critic:
            fits = of_one_score if objective in scores else of_energies if objective in energies else {"ensemble"}
            return critic not in fits
        if objective:
            of_no_code = penalty in codes and objective not in energies
            of_several = objective == "ensemble" and (penalty in slopes or procedure == "progressive")
            return of_no_code or of_several
        if critic:
            of_slopes = penalty in slopes and critic in coupled | {"ensemble"}
            of_codes = penalty in codes and not critic.startswith("autoencoder")
            by_procedure = (procedure == "progressive" and critic not in growing) or (
                procedure == "critic_only" and critic in coupled
            )
            return of_slopes or of_codes or by_procedure
        if procedure == "critic_only":
            return penalty in codes or constraint.endswith("generator")
        if procedure == "progressive":
            return penalty in codes
        return constraint == "clip on critic" and procedure in ("unrolled", "all at once")

    _, forbidden = array()
    pairs = all_pairs(list(AXES.values()))
    expected = {pair for pair in pairs if known({names[axis]: value for axis, value in pair})}
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
            assert re.search(r"; (use .*`|remove it$)", sentence), (case, sentence)


def weights(net: nn.Module) -> list[Tensor]:
    return [weight.detach().clone() for weight in net.parameters()]


def moved(net: nn.Module, before: list[Tensor]) -> bool:
    assert all(weight.isfinite().all() for weight in net.parameters())
    return not all(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))


def one_step_of_each_player(case: Case) -> None:
    shape = IMAGES if case[4] in OF_IMAGES else CRITICS[case[3]][0]
    variant = Variant.model_validate(parameters(case))
    assert variant.unfit(shape) is None, case
    at = variant.procedure.trainer(variant, shape, RUNTIME, 0, None)
    data = torch.rand((16, *shape), generator=torch.Generator().manual_seed(0)) * 2 - 1
    data = (data + 1) * 127.5 if len(shape) == 3 else data
    source = Batches(data.numpy(), 4, Space("images" if len(shape) == 3 else "points", 1.0), 0, "order", CPU)
    if not isinstance(at, GANTrainer | Pix2PixTrainer | ProgressiveTrainer):
        nets = at.generators | at.saved_networks
        before = {name: weights(net) for name, net in nets.items()}
        figures = at.train_step(source)
        assert all(value.isfinite() and value.shape == () for value in figures.values()), (case, figures)
        assert all(moved(net, before[name]) for name, net in nets.items() if before[name]), case
        return
    at.train_step(source)  # whatever it sets up, as the size that progressive growing begins with
    gan = at.gan if isinstance(at, ProgressiveTrainer) else at
    networks = {"critic": gan.critic, "generator": gan.generator}
    steps = (("critic", gan.critic_step), ("generator", gan.generator_step))
    for player, step in steps:
        gan.steps = 1
        before = {name: weights(net) for name, net in networks.items()}
        figures = step(next(source).x)
        assert all(value.isfinite() and value.shape == () for value in figures.values()), (case, figures)
        for name, net in networks.items():
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
