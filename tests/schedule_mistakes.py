"""Mistakes in schedules: what is done to the settings, the beginning of the sentence, more words that it holds."""

from __future__ import annotations

from changed_params import Change, put

SCHEDULES: dict[str, tuple[Change, str, list[str]]] = {
    "schedule of no kind": (
        put("variants.lsgan.critic_optimizer", {"lr": {"start": 0.1, "end": 0.0, "until": 1.0}}),
        "variants/lsgan.yaml: critic_optimizer.lr is {start: 0.1, end: 0.0, until: 1.0}",
        ["lacks the key `kind`, one of: cosine, linear"],
    ),
    "schedule without its end": (
        put("variants.lsgan.critic_optimizer", {"lr": {"kind": "cosine", "start": 0.1, "until": 1.0}}),
        "variants/lsgan.yaml lacks the key critic_optimizer.lr.end",
        ["add it"],
    ),
    "schedule with a typo": (
        put("variants.lsgan.critic_optimizer", {"lr": {"kind": "cosine", "start": 0.1, "ende": 0.0, "until": 1.0}}),
        "variants/lsgan.yaml: critic_optimizer.lr.ende is 0.0",
        ["did you mean end"],
    ),
    "schedule of an unknown kind": (
        put("variants.lsgan.critic_optimizer", {"lr": {"kind": "step", "start": 0.1, "end": 0.0, "until": 1.0}}),
        "variants/lsgan.yaml: critic_optimizer.lr.kind is 'step'",
        ["use one of: cosine, linear"],
    ),
    "schedule to a negative rate": (
        put("variants.lsgan.critic_optimizer", {"lr": {"kind": "linear", "start": 0.1, "end": -1.0, "until": 1.0}}),
        "variants/lsgan.yaml: critic_optimizer.lr.end is -1.0",
        ["greater than or equal to 0"],
    ),
    "schedule that ends before the first step": (
        put("variants.rpgan.penalties.1.weight", {"kind": "linear", "start": 1.0, "end": 0.0, "until": 0.0}),
        "variants/rpgan.yaml: penalties.1.weight.until is 0.0",
        ["greater than 0"],
    ),
    "schedule of nothing but 0": (
        put("variants.lsgan.critic_optimizer", {"lr": {"kind": "linear", "start": 0.0, "end": 0.0, "until": 1.0}}),
        "variants/lsgan.yaml: critic_optimizer.lr.end is 0.0: it should be greater than 0 where `start` is not.",
        [],
    ),
    "schedule of a penalty from 0 to 0": (
        put("variants.rpgan.penalties.1.weight", {"kind": "cosine", "start": 0.0, "end": 0.0, "until": 1.0}),
        "variants/rpgan.yaml: penalties.1.weight.end is 0.0",
        ["greater than 0 where `start` is not"],
    ),
    # the number that each replaces is right
    "schedule of a kind alone": (
        put("variants.lsgan.critic_optimizer", {"lr": {"kind": "cosine"}}),
        "variants/lsgan.yaml lacks the key critic_optimizer.lr.start",
        ["add it"],
    ),
    "schedule that changes nothing": (
        put("variants.lsgan.critic_optimizer", {"lr": {"kind": "constant"}}),
        "variants/lsgan.yaml: critic_optimizer.lr.kind is 'constant'",
        ["write the number alone"],
    ),
    "schedule of ema of a kind alone": (
        put("variants.lsgan.ema", {"kind": "linear"}),
        "variants/lsgan.yaml lacks the key ema.start",
        ["add it"],
    ),
    "schedule of nothing": (
        put("variants.lsgan.ema", {}),
        "variants/lsgan.yaml: ema is {}",
        ["lacks the key `kind`, one of: cosine, linear"],
    ),
    "schedule of a penalty in overrides": (
        put("variants.rpgan.overrides.images.penalties", [{"kind": "r1", "weight": {"kind": "cosine"}}]),
        "variants/rpgan.yaml lacks the key overrides.images.penalties.0.weight.start",
        ["add it"],
    ),
    "schedule of a beta from 1": (
        put("train.critic_optimizer.betas", [0.0, {"kind": "cosine", "start": 1.0, "end": 0.99, "until": 1.0}]),
        "train.critic_optimizer.betas.1.start is 1.0",
        ["less than 1"],
    ),
    "schedule of a number that has none": (
        put("train.batch", {"kind": "linear", "start": 8, "end": 64, "until": 1.0}),
        "train.batch is {kind: 'linear', start: 8, end: 64, until: 1.0}",
        ["valid integer"],
    ),
}
