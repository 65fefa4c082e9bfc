"""Every rule on combinations: which key it names, and what it says to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from ganpipe.config import rules
from ganpipe.config.overlay import merge, merged, read_project
from ganpipe.config.variant import Variant

PARAMS = read_project(Path(__file__).resolve().parents[1] / "params.yaml")
MLP = {"kind": "mlp", "width": 8, "depth": 1, "norm": "none"}
SCORE = MLP | {"output": "score", "first_layer_scale": 1.0, "bias_spread": 0.0}
ENERGY = SCORE | {"output": "energy"}
CODER = {"kind": "autoencoder", "layers": "dense", "width": 8, "norm": "none", "code": 3}
GP = {"kind": "gradient_penalty", "weight": 10.0, "target": 1.0, "one_sided": False}
CLIP = {"kind": "weight_clipping", "network": "critic", "limit": 0.1}
SN = {"kind": "spectral_norm", "network": "critic"}
HINGES = {"kind": "ensemble", "members": [{"kind": "hinge"}, {"kind": "hinge"}]}
PATCHES = {"kind": "patch", "width": 8, "layers": 1, "norm": "none"}
PAIR = {"kind": "ensemble", "num_members": 2}
FIRST = PARAMS["variants"]["stacked"]["stage1"]

ADA = PARAMS["variants"]["ada"]["augmentation"]

# what is wrong: the variant that it is laid on, the change, the key that is named, and words of the sentence
WRONG: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "a snapshot after the end": (
        "lsgan",
        {"steps": 100, "snapshots": {"steps": [50, 200]}},
        "snapshots.steps.1",
        "use at most 100, or remove it",
    ),
    "features of a critic without": (
        "acgan",
        {"critic": CODER | {"code": 3}, "objective": {"kind": "ebgan", "margin": 0.2}},
        "critic.kind",
        "`critic.kind: dcgan`, or `algorithm.critic_conditioning.kind: concatenation`",
    ),
    "conditional batch norm without batch norm": (
        "projection",
        {"generator": {"norm": "none"}},
        "algorithm.generator_conditioning",
        "use `generator.norm: batch`, or concatenation",
    ),
    "a first GAN before one of labels": ("cgan", {"stage1": FIRST}, "stage1.title", "use null"),
    "labels of a first GAN": (
        "stacked",
        {"stage1": FIRST | {"algorithm": PARAMS["variants"]["cgan"]["algorithm"], "latent": {"size": 8}}},
        "stage1.title",
        "use `algorithm.kind: adversarial` in it",
    ),
    "an augmentation without a critic": (
        "vae",
        {"augmentation": ADA},
        "augmentation.kind",
        "has no place in the algorithm vae; use `augmentation.kind: none`",
    ),
    "the sign of a score that has none": (
        "rpgan",
        {"augmentation": ADA},
        "augmentation.kind",
        "use `objective.kind: non_saturating`, minimax or hinge, or `augmentation.kind: diffaugment`",
    ),
    "snapshots out of order": ("lsgan", {"snapshots": {"steps": [50, 50]}}, "snapshots.steps.1", "use increasing"),
    "energy for a score": ("lsgan", {"critic": ENERGY}, "critic.kind", "`output: score`"),
    "score for an energy": ("loss_sensitive", {"critic": SCORE}, "critic.kind", "`output: energy`"),
    "one score for several": (
        "lsgan",
        {"objective": HINGES},
        "critic.kind",
        "`critic.kind: ensemble` with `num_members: 2`",
    ),
    "several scores for one": ("lsgan", {"critic": PAIR | {"base": SCORE}}, "critic.kind", "`critic.kind: mlp`"),
    "another number of scores": (
        "lsgan",
        {"objective": HINGES, "critic": {"kind": "ensemble", "num_members": 3, "base": SCORE}},
        "critic.num_members",
        "use `num_members: 2`",
    ),
    "codes of a critic without": (
        "lsgan",
        {"penalties": [{"kind": "pulling_away", "weight": 1.0}]},
        "penalties.0.kind",
        "`critic.kind: autoencoder`",
    ),
    "a slope behind batch norm": (
        "lsgan",
        {"critic": {"norm": "batch"}, "penalties": [GP]},
        "penalties.0.kind",
        "use `critic.norm: layer` or `none`",
    ),
    "a slope of several": (
        "lsgan",
        {"objective": HINGES, "critic": PAIR | {"base": SCORE}, "penalties": [GP]},
        "penalties.0.kind",
        "spectral_norm",
    ),
    "a slope of patches": (
        "lsgan",
        {"critic": PATCHES, "penalties": [GP]},
        "penalties.0.kind",
        "spectral_norm",
    ),
    "patches whose distance is not known": ("gls", {"critic": PATCHES}, "critic.kind", "use `critic.kind: dcgan`"),
    "the best where no score is real": (
        "mmd_gan",
        {"algorithm": {"top_k": 0.5}},
        "algorithm.top_k",
        "use 1.0",
    ),
    "the best of an ensemble of which one does not say": (
        "lsgan",
        {
            "objective": {"kind": "ensemble", "members": [{"kind": "hinge"}, {"kind": "mmd", "shapes": [1.0]}]},
            "critic": PAIR | {"base": SCORE},
            "algorithm": {"top_k": 0.5},
        },
        "algorithm.top_k",
        "use 1.0",
    ),
    "two penalties that remember the same": (
        "lecam",
        {"penalties": [{"kind": "lecam", "weight": 1.0, "decay": decay} for decay in (0.5, 0.9)]},
        "penalties.1.kind",
        "remove one",
    ),
    "the best at an unrolled critic": (
        "unrolled",
        {"algorithm": {"top_k": {"kind": "linear", "start": 1.0, "end": 0.5, "until": 1.0}}},
        "algorithm.top_k",
        "use 1.0, or `algorithm.unroll_steps: 0`",
    ),
    "an unrolled energy": (
        "ebgan",
        {"algorithm": {"unroll_steps": 5}},
        "objective.kind",
        "`algorithm.unroll_steps: 0`",
    ),
    "clipping in an unrolled critic": (
        "unrolled",
        {"constraints": [CLIP]},
        "constraints.0.kind",
        "`algorithm.unroll_steps: 0`",
    ),
    "steps ahead of an optimizer that has none": (
        "unrolled",
        {"critic_optimizer": {"kind": "rmsprop", "lr": 0.001, "alpha": 0.9}},
        "critic_optimizer.kind",
        "use adam, or `algorithm.unroll_steps: 0`",
    ),
    "both at once after several critic steps": (
        "wgan",
        {"algorithm": {"dynamics": "simultaneous"}},
        "algorithm.dynamics",
        "use `algorithm.critic_steps: 1`, or alternating",
    ),
    "extragradient of an unrolled critic": (
        "unrolled",
        {"algorithm": {"dynamics": "extragradient"}},
        "algorithm.dynamics",
        "use `algorithm.unroll_steps: 0`, or alternating",
    ),
    "nothing limits the slope": ("wgan_gp", {"penalties": []}, "objective.kind", "a gradient penalty in `penalties`"),
    "nothing limits the slope of one of several": (
        "lsgan",
        {
            "objective": {"kind": "ensemble", "members": [{"kind": "hinge"}, {"kind": "wgan"}]},
            "critic": PAIR | {"base": SCORE},
        },
        "objective.kind",
        "spectral_norm",
    ),
    "no number for the noise": ("translate", {"latent": {"size": 1}}, "latent.size", "use 2 or more"),
    "all numbers for the condition": ("stacked", {"latent": {"size": 32}}, "latent.size", "use 33 or more"),
    "pre-training without a critic": ("vae", {"pretrain": {"steps": 5}}, "pretrain.steps", "use 0"),
    "codes where growing has none": (
        "progressive",
        {"penalties": [{"kind": "pulling_away", "weight": 1.0}]},
        "penalties.0.kind",
        "remove it",
    ),
    "two constraints on one network": ("lsgan", {"constraints": [SN, CLIP]}, "constraints.1.kind", "one for each"),
    "a norm of weights that are 0": (
        "r3gan",
        {"constraints": [SN]},
        "constraints.0.kind",
        "critic r3gan start at 0; use weight_clipping or none, or another `critic.kind`",
    ),
    "a norm of weights that are 0 in an ensemble of generators": (
        "r3gan",
        {
            "generator": PAIR | {"base": PARAMS["variants"]["r3gan"]["generator"]},
            "constraints": [CLIP, SN | {"network": "generator"}],
        },
        "constraints.1.kind",
        "or another `generator.kind`",
    ),
    "packs of an ensemble": ("generator_ensemble", {"algorithm": {"pack": 2}}, "algorithm.pack", "use `pack: 1`"),
    "an ensemble that decodes": (
        "vae",
        {"generator": PAIR | {"base": MLP}},
        "generator.kind",
        "use `generator.kind: mlp`",
    ),
    "a batch that is too small to share": ("generator_ensemble", {"batch": 3}, "batch", "use `batch: 4`"),
    "a batch that is no whole packs": ("pacgan", {"batch": 65}, "batch", "use 64"),
    "a single pack": ("pacgan_4", {"batch": 4}, "batch", "use 8"),
    "pre-training of a critic that is no autoencoder": (
        "lsgan",
        {"pretrain": {"steps": 5}},
        "pretrain.steps",
        "use `critic.kind: autoencoder` or 0",
    ),
    "pre-training before a translation": ("translate", {"pretrain": {"steps": 5}}, "pretrain.steps", "use 0"),
    "a first before a plain game": ("lsgan", {"stage1": FIRST}, "stage1.title", "`algorithm.kind: pix2pix`"),
    "a first with pre-training": (
        "stacked",
        {"stage1": {"pretrain": {"steps": 5}, "objective": {"kind": "ebgan", "margin": 1.0}, "critic": CODER}},
        "stage1.title",
        "`pretrain.steps: 0`",
    ),
    "latents of two kinds": (
        "stacked",
        {"stage1": {"latent": {"kind": "uniform", "size": 8}}},
        "stage1.latent.kind",
        "use `normal`",
    ),
    "no critic in a game": ("lsgan", {"critic": {"kind": "none"}}, "critic.kind", "use another `critic.kind`"),
    "no objective in a game": ("lsgan", {"objective": {"kind": "none"}}, "objective.kind", "another `objective.kind`"),
    "a critic without a game": ("vae", {"critic": SCORE}, "critic.kind", "use `kind: none`"),
    "another generator than the algorithm makes": (
        "progressive",
        {"generator": MLP},
        "generator.kind",
        "`generator.kind: progressive`",
    ),
    "a generator of another algorithm": (
        "lsgan",
        {"generator": {"kind": "gradient_ascent", "steps": 1, "rate": 0.1}},
        "generator.kind",
        "`algorithm.kind: ebm`",
    ),
    "another critic than the algorithm trains": (
        "progressive",
        {"critic": SCORE},
        "critic.kind",
        "`critic.kind: progressive`",
    ),
    "uniform latents of a decoder": (
        "vae",
        {"latent": {"kind": "uniform", "size": 8}},
        "latent.kind",
        "`latent.kind: normal`",
    ),
    "climbing behind batch norm": ("ebm", {"critic": {"norm": "batch"}}, "critic.kind", "`critic.norm: layer`"),
    "a penalty of nobody": ("vae", {"penalties": [GP]}, "penalties.0.kind", "remove it"),
    "a constraint on nobody": (
        "ebm",
        {"constraints": [SN | {"network": "generator"}]},
        "constraints.0.network",
        "remove it",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_rule_names_the_key_and_the_remedy(wrong: str) -> None:
    row, change, key, words = WRONG[wrong]
    whole = merged(PARAMS["train"], PARAMS["variants"][row], "images", "digits")
    if "stage1" in change:
        base = whole["stage1"] or {name: value for name, value in whole.items() if name != "stage1"} | {"stage1": None}
        change = change | {"stage1": merge(base, change["stage1"])}
    Variant.model_validate(whole)
    with pytest.raises(ValidationError) as caught:
        Variant.model_validate(merge(whole, change))
    (problem,) = caught.value.errors()
    assert problem["type"] == "rule"
    assert ".".join(map(str, problem["loc"])) == key
    assert words in problem["msg"]
    assert "; " in problem["msg"]  # what is wrong; what to do


def test_every_rule_has_a_row_that_breaks_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the rule some variant above would be legal, or another rule would refuse it."""
    for rule in rules.RULES:
        rest = tuple(other for other in rules.RULES if other is not rule)
        monkeypatch.setattr(rules, "RULES", rest)
        kept = 0
        for wrong in WRONG:
            try:
                test_a_rule_names_the_key_and_the_remedy(wrong)
            except (AssertionError, pytest.fail.Exception, ValueError):
                continue
            kept += 1
        assert kept < len(WRONG), rule.__name__
