"""Parts that make no sense together: every pair of kinds of which one says that it does not fit the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from mutations import ROW, Raw, alternatives, example
from small_params import is_one_sentence, said, untouched, whole_row

from ganpipe.algorithms import Algorithm
from ganpipe.algorithms.adversarial import plain_gan
from ganpipe.constraints import Constraint
from ganpipe.networks import CriticNetwork, GeneratorNetwork
from ganpipe.objectives import Objective
from ganpipe.parts import Part, part_class
from ganpipe.penalties import Penalty

_nothing_changes = pytest.fixture(untouched, autouse=True)
VARIANT = ROW["properties"]
SCORE = {
    "kind": "mlp",
    "width": 4,
    "depth": 1,
    "norm": "none",
    "output": "score",
    "first_layer_scale": 1.0,
    "bias_spread": 0.0,
}
CODER = {"kind": "autoencoder", "layers": "dense", "width": 4, "norm": "none", "code": 2}
SN = [{"kind": "spectral_norm", "network": "critic"}]
PACKAGES = {
    "objective": "ganpipe.objectives",
    "critic": "ganpipe.networks.critics",
    "generator": "ganpipe.networks.generators",
    "algorithm": "ganpipe.algorithms",
    "penalties": "ganpipe.penalties",
    "constraints": "ganpipe.constraints",
}
# what the smallest legal value of the schema does not say: rules inside a part
LEGAL: dict[str, Raw] = {
    "lsgan": {"kind": "lsgan", "real": 1.0, "fake": 0.0, "target": 1.0},
    "fgan": {"kind": "fgan", "divergence": "kl", "generator_loss": "non_saturating"},
    "ensemble objective": {"kind": "ensemble", "members": [{"kind": "hinge"}, {"kind": "hinge"}]},
    "ensemble critic": {"kind": "ensemble", "num_members": 2, "base": SCORE},
    "progressive algorithm": {
        "kind": "progressive", "critic_steps": 1, "phases": [{"size": 4, "fade": 0, "stable": 1.0, "batch": 2}],
    },
}  # fmt: skip


def every(slot: str) -> Iterator[Part]:
    """One part of each kind that may stand there, and critics with each norm and output."""
    node = VARIANT[slot]
    for one in alternatives(node.get("items", node)):
        kind = one["properties"]["kind"]["const"]
        value = LEGAL.get(f"{kind} {slot}") or LEGAL.get(kind) or example(one)
        choices = [
            (key, value) for key in ("norm", "output") for value in one["properties"].get(key, {}).get("enum", [])
        ]
        for key, choice in choices or [("kind", kind)]:
            yield part_class(PACKAGES[slot], kind).model_validate(value | {key: choice})


def fits(o: Any, c: Any) -> bool:
    """Whether an objective and a critic speak of the same."""
    return o.output_type == c.output_type and o.num_scores == c.num_scores and "none" not in (o.kind, c.kind)


def couples(c: Any, p: Any) -> bool:
    return (p.uses_input_gradient and (c.uses_batch_stats or c.num_scores > 1)) or (p.needs_code and not c.has_code)


def pairs() -> Iterator[tuple[str, Raw]]:
    """What is set in a variant beside what fits all of it, by a name."""
    critics, penalties = list(every("critic")), list(every("penalties"))
    for o in every("objective"):
        assert isinstance(o, Objective)
        for c in critics:
            assert isinstance(c, CriticNetwork)
            if not fits(o, c):
                yield "objective and critic", {"objective": o, "critic": c, "penalties": [], "constraints": SN}
        if o.needs_lipschitz and o.num_scores == 1:
            yield "no limit to the slope", {"objective": o, "critic": SCORE, "penalties": [], "constraints": []}
    for c in critics:
        score = "hinge" if c.output_type == "score" else "loss_sensitive"  # type: ignore[attr-defined]
        o = part_class(PACKAGES["objective"], score).model_validate(
            {"kind": score} if score == "hinge" else {"kind": score, "margin": 1.0, "gamma": 1.0}
        )
        yield from (
            ("critic and penalty", {"objective": o, "critic": c, "penalties": [p]})
            for p in penalties
            if isinstance(p, Penalty) and fits(o, c) and couples(c, p)
        )
    for algorithm in every("algorithm"):
        assert isinstance(algorithm, Algorithm)
        row = {"algorithm": algorithm, "critic": SCORE, "objective": {"kind": "hinge"}, "penalties": []}
        for g in every("generator"):
            assert isinstance(g, GeneratorNetwork)
            made = algorithm.requires_generator and g.kind != algorithm.requires_generator
            if made or (g.requires_algorithm and g.requires_algorithm != algorithm.kind):
                yield "generator and algorithm", row | {"generator": g}
        if not algorithm.is_adversarial:
            yield "critic without a game", row
            yield "objective without a game", row | {"critic": {"kind": "none"}}
        if not algorithm.is_adversarial or not algorithm.trained_networks >= {"generator"}:
            yield (
                "penalty without a loss",
                row | {"critic": CODER, "penalties": [{"kind": "pulling_away", "weight": 1.0}]},
            )
        if algorithm.requires_normal_latent:
            yield "latents", row | {"latent": {"kind": "uniform", "size": 8}}
        if not algorithm.supports_pretraining:
            optimizer = {"kind": "rmsprop", "lr": 0.1, "alpha": 0.9}
            yield "pre-training", row | {"pretrain": {"steps": 1, "seed": 0, "optimizer": optimizer}}
        if not algorithm.is_conditional:
            yield "stage1", row | {"stage1": whole_row()["variants"]["variant"]}
    for constraint in every("constraints"):
        assert isinstance(constraint, Constraint)
        two = {"constraints": [constraint, SN[0] | {"network": constraint.network}], "objective": {"kind": "hinge"}}
        yield "two constraints", two | {"critic": SCORE}
        if not constraint.supports_unrolling:
            unrolled = plain_gan(1).model_dump() | {"unroll_steps": 2}
            yield "unrolling", {"constraints": [constraint], "algorithm": unrolled, "critic": SCORE}
    for batch, pack in ((2, 3), (3, 2), (64, 3), (7, 7), (64, 10**9)):
        packed = plain_gan(1).model_dump() | {"pack": pack}
        yield "batch and pack", {"batch": batch, "algorithm": packed, "critic": SCORE}


def plain(value: Any) -> Any:
    """As it stands in params.yaml."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.model_dump(mode="json") if isinstance(value, Part) else value


PAIRS = [(name, plain(row)) for name, row in pairs()]
NAMES = sorted({name for name, _ in PAIRS})


@pytest.mark.parametrize("name", NAMES)
def test_parts_that_do_not_fit(name: str) -> None:
    for one, settings in PAIRS:
        if one == name:
            raw = whole_row()
            raw["variants"]["variant"] |= settings
            sentence = said(raw)
            assert sentence.startswith("variants/variant.yaml: ")
            assert is_one_sentence(sentence)
            assert {"use", "remove"} & set(sentence.replace(",", " ").split()), sentence


def test_there_are_hundreds_of_them() -> None:
    assert len(PAIRS) >= 150
