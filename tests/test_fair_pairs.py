"""Variants that a claim compares differ in what the claim is about and in nothing else, on every data set."""

from __future__ import annotations

from typing import Any

import pytest
from parts_in_use import PARAMS

from ganpipe.config import configuration

CHOSEN = configuration.load(PARAMS)
# base, variant, and the keys that differ; a key covers what is below it
PAIRS: list[tuple[str, str, set[str]]] = [
    ("ebgan", "ebgan_pt", {"penalties"}),
    ("ebgan", "feature_matching", {"penalties"}),
    ("ebgan", "ebgan_no_pretraining", {"pretrain.steps"}),
    ("ebgan", "ebgan_no_margin", {"objective.margin"}),
    ("non_saturating", "pacgan", {"algorithm.pack"}),
    ("non_saturating", "pacgan_3", {"algorithm.pack", "batch"}),  # a batch is a whole number of packs
    ("non_saturating", "pacgan_4", {"algorithm.pack"}),
    ("non_saturating", "minimax", {"objective"}),
    ("non_saturating", "r1", {"penalties"}),
    ("r1", "diffaugment", {"augmentation"}),
    ("r1", "ada", {"augmentation"}),
    ("non_saturating", "instance_noise", {"algorithm.instance_noise"}),
    ("rpgan_plain", "rpgan", {"penalties"}),
    ("wgan_gp", "wgan_lp", {"penalties"}),
    # the same time, of which the generator gets more
    ("wgan_gp", "wgan_gp_ttur", {"algorithm.critic_steps", "critic_optimizer.lr", "steps"}),
    ("non_saturating", "simultaneous", {"algorithm.dynamics"}),
    ("non_saturating", "extragradient", {"algorithm.dynamics"}),
    ("non_saturating", "optimistic_adam", {"generator_optimizer", "critic_optimizer"}),
    ("non_saturating", "lookahead", {"algorithm.lookahead"}),
    ("non_saturating", "top_k", {"algorithm.top_k"}),
    ("non_saturating", "lecam", {"penalties"}),
    ("r1", "approximate_r1", {"penalties"}),
    *(("wgan_gp", kind, {"penalties"}) for kind in ("fisher", "sobolev")),
    ("wgan_gp", "cramer", {"objective"}),
    ("non_saturating", "ttur", {"critic_optimizer.lr"}),
    ("unrolled_0", "unrolled_1", {"algorithm.unroll_steps"}),
    ("unrolled_0", "unrolled", {"algorithm.unroll_steps"}),
    ("unrolled_0", "unrolled_10", {"algorithm.unroll_steps"}),
    *(("flow_64", f"flow_{evaluations}", {"generator.evaluations"}) for evaluations in (1, 4, 16)),
    ("progressive_fixed", "progressive", {"algorithm.phases"}),
    ("sagan_no_attention", "sagan", {"generator.attention", "critic.attention"}),
    # the second needs a condition, so it has latents for it
    ("silhouettes", "stacked_silhouettes", {"stage1", "latent.size"}),
    ("stacked", "stacked_silhouettes", {"algorithm.condition"}),
]
# where a variant is its base: all critics of points have the rate that `ttur` gives its critic
SAME = {("ttur", data) for data in ("ring", "grid", "swiss_roll")}


def differing(a: Any, b: Any, place: str = "") -> set[str]:
    """The keys of nested mappings that differ, without titles."""
    if not isinstance(a, dict) or not isinstance(b, dict) or a.get("kind") != b.get("kind"):
        return {place} if a != b else set()
    keys = {key for key in a.keys() | b.keys() if key != "title"}
    if keys == {"kind", "start", "end", "until"}:  # of two schedules
        return {place} if a != b else set()
    return set().union(*(differing(a.get(key), b.get(key), f"{place}.{key}".strip(".")) for key in keys))


@pytest.mark.parametrize(("base", "variant", "keys"), PAIRS, ids=[f"{a}-{b}" for a, b, _ in PAIRS])
def test_a_pair_differs_in_one_thing(base: str, variant: str, keys: set[str]) -> None:
    for data in CHOSEN.datasets:
        a, b = (CHOSEN.variant(name, data).model_dump() for name in (base, variant))
        assert differing(a, b) == (set() if (variant, data) in SAME else keys), data
