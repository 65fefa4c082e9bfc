"""Mistakes in params.yaml, each of which is one sentence with key, value and remedy."""

from __future__ import annotations

import copy
import math

import pytest
from changed_params import ORIGINAL, Change, both, checked, critic, drop, no_data_root, put

from ganpipe.errors import BadInput

_environment = pytest.fixture(no_data_root, autouse=True)


# what is done to params.yaml, the beginning of the sentence, and more words that it must hold
BAD: dict[str, tuple[Change, str, list[str]]] = {
    # the top level
    "loss typo": (put("loss", "lsgna"), "loss is 'lsgna', which", ["did you mean lsgan", "known: non_saturating,"]),
    "loss unlike any": (put("loss", "qqq"), "loss is 'qqq'", ["known: non_saturating,"]),
    "loss a number": (put("loss", 3), "loss is 3", ["valid string"]),
    "loss a list": (put("loss", ["lsgan"]), "loss is ['lsgan']", ["valid string"]),
    "unknown key": (put("losss", "lsgan"), "losss is 'lsgan', but no such key", ["did you mean loss", "variants"]),
    "unknown key unlike any": (put("zzz", 1), "zzz is 1, but no such key", ["remove it", "known: loss,"]),
    "missing key": (drop("seeds"), "params.yaml lacks the key seeds", ["add it"]),
    "key a number": (lambda raw: raw.update({1: 2}), "1 is a key that is not text", ["quotes or remove it"]),
    "key nothing": (lambda raw: raw.update({None: 2}), "None is a key that is not text", ["quotes or remove it"]),
    # seeds
    "no seed": (put("seeds", []), "seeds is []", ["at least 1 item"]),
    "seed twice": (put("seeds", [0, 1, 0]), "seeds is [0, 1, 0]", ["once", "remove"]),
    "seed negative": (put("seeds", [0, -1]), "seeds.1 is -1", ["greater than or equal to 0"]),
    "seed too large": (put("seeds", [2**63]), f"seeds.0 is {2**63}", [f"less than {2**63}"]),
    "seed a bool": (put("seeds", [True]), "seeds.0 is true", ["valid integer"]),
    "seed a float": (put("seeds", [1.0]), "seeds.0 is 1.0", ["valid integer"]),
    "seeds a number": (put("seeds", 3), "seeds is 3", ["valid list"]),
    "seeds text": (put("seeds", "012"), "seeds is '012'", ["valid list"]),
    "seeds a mapping": (put("seeds", {0: 1}), "seeds is {0: 1}", ["valid list"]),
    # data, runtime, classifier, evaluate
    "data typo": (put("data.kind", "digit"), "data.kind is 'digit'", ["did you mean digits", "ring"]),
    "data unknown key": (put("data.kinds", "ring"), "data.kinds is 'ring'", ["did you mean kind"]),
    "data text": (put("data", "digits"), "data is 'digits'", ["mapping of keys to values"]),
    "no data sets": (put("datasets", {}), "datasets is {}", ["at least 1 item"]),
    "data set of no kind": (
        put("datasets.digits.kind", "x"),
        "datasets.digits.kind is 'x'",
        ["celeba, cifar10, digits, fashion_mnist, gaussian_1d"],
    ),
    "data set unknown key": (put("datasets.ring.mode", 3), "datasets.ring.mode is 3", ["did you mean modes"]),
    "data set lacks a key": (drop("datasets.grid.std"), "params.yaml lacks the key datasets.grid.std", ["add it"]),
    "data set out of range": (put("datasets.ring.std", 0), "datasets.ring.std is 0", ["0.000000001"]),
    "mnist of another size": (put("datasets.mnist.size", 64), "datasets.mnist.size is 64", ["28 or 32"]),
    "data set named like a form": (
        lambda raw: raw["datasets"].update(points=raw["datasets"]["ring"]),
        "datasets.points has the name of a form",
        ["choose another name"],
    ),
    "data set with a bad name": (
        lambda raw: raw["datasets"].update({"../x": raw["datasets"]["ring"]}),
        "datasets.../x is not a legal name",
        ["lower-case letters"],
    ),
    "device": (put("runtime.device", "gpu"), "runtime.device is 'gpu'", ["'auto', 'cpu', 'cuda' or 'mps'"]),
    "no threads": (put("runtime.threads", 0), "runtime.threads is 0", ["greater than or equal to 1"]),
    "runtime unknown key": (put("runtime.thread", 2), "runtime.thread is 2", ["did you mean threads"]),
    "classifier unknown key": (put("classifier.step", 2), "classifier.step is 2", ["did you mean steps"]),
    "classifier rate": (put("classifier.lr", 0.0), "classifier.lr is 0.0", ["greater than 0"]),
    "evaluate unknown key": (put("evaluate.covrage", 2), "evaluate.covrage is 2", ["did you mean coverage"]),
    "evaluate share": (put("evaluate.coverage", 1.5), "evaluate.coverage is 1.5", ["less than or equal to 1"]),
    # train
    "train missing": (put("train", None), "train is null", ["mapping of keys to values"]),
    "train unknown key": (put("train.step", 5), "train.step is 5", ["did you mean steps"]),
    "train lacks a key": (drop("train.ema"), "params.yaml lacks the key variants.non_saturating.ema", ["add it"]),
    "steps negative": (put("train.steps", -5), "train.steps is -5", ["greater than or equal to 1"]),
    "steps nothing": (put("train.steps", None), "train.steps is null", ["valid integer"]),
    "steps a bool": (put("train.steps", True), "train.steps is true", ["valid integer"]),
    "steps a float": (put("train.steps", 100.0), "train.steps is 100.0", ["valid integer"]),
    "steps text": (put("train.steps", "100"), "train.steps is '100'", ["valid integer"]),
    "rate nan": (put("train.critic_optimizer.lr", math.nan), "train.critic_optimizer.lr is .nan", ["finite number"]),
    "rate inf": (put("train.critic_optimizer.lr", math.inf), "train.critic_optimizer.lr is .inf", ["finite number"]),
    "rate beyond floats": (put("train.critic_optimizer.lr", 10**400), "train.critic_optimizer.lr is 1000", ["number"]),
    "rate a bool": (put("train.critic_optimizer.lr", True), "train.critic_optimizer.lr is true", ["valid number"]),
    "rate zero": (put("train.critic_optimizer.lr", 0), "train.critic_optimizer.lr is 0", ["greater than 0"]),
    "beta one": (
        put("train.critic_optimizer.betas", [0.5, 1.0]),
        "train.critic_optimizer.betas.1 is 1.0",
        ["less than 1"],
    ),
    "one beta": (
        put("train.critic_optimizer.betas", [0.5]),
        "train.critic_optimizer.betas is [0.5]: it lacks a value",
        ["add one"],
    ),
    "three betas": (
        put("train.critic_optimizer.betas", [0.5, 0.9, 0.9]),
        "train.critic_optimizer.betas is [0.5, 0.9, 0.9]",
        ["at most 2 items"],
    ),
    "average of one": (put("train.ema", 1.0), "train.ema is 1.0", ["less than 1"]),
    "few samples": (put("train.samples", 10), "train.samples is 10", ["greater than or equal to 100"]),
    "batch of one": (put("variants.lsgan.batch", 1), "variants.lsgan.batch is 1", ["greater than or equal to 2"]),
    "latent kind": (put("train.latent.kind", "gauss"), "train.latent.kind is 'gauss'", ["'normal' or 'uniform'"]),
    "latent text": (put("train.latent", "normal"), "train.latent is 'normal'", ["should be a valid mapping"]),
    "key of a part a number": (
        lambda raw: raw["train"]["latent"].update({7: 1}),
        "train.latent.7 is a key that is not text",
        ["quotes or remove it"],
    ),
    "nested unknown key": (
        put("train.pretrain.optimizer.beta", [0.1, 0.1]),
        "train.pretrain.optimizer.beta is [0.1, 0.1]",
        ["did you mean betas", "known: kind, lr, betas"],
    ),
    # rows
    "no rows": (put("variants", {}), "variants is {}", ["at least 1 item"]),
    "rows a list": (put("variants", ["lsgan"]), "variants is ['lsgan']", ["mapping of keys to values"]),
    "row nothing": (put("variants.lsgan", None), "variants.lsgan is null", ["mapping of keys to values"]),
    "row with capitals": (put("variants.LSGAN", {}), "variants.LSGAN is not a legal name", ["a letter first"]),
    "row with a dash": (put("variants.ls-gan", {}), "variants.ls-gan is not a legal name", ["digits and _"]),
    "row for a shell": (put("variants.x;rm", {}), "variants.x;rm is not a legal name", ["lower-case"]),
    "row with a digit first": (put("variants.2gan", {}), "variants.2gan is not a legal name", ["a letter first"]),
    "row a number": (lambda raw: raw["variants"].update({2: {}}), "variants.2 is a key that is not text", ["quotes"]),
    "row empty": (put("variants.new", {}), "params.yaml lacks the key variants.new.title", ["add it"]),
    "title empty": (put("variants.lsgan.title", ""), "variants.lsgan.title is ''", ["at least 1 character"]),
    "title long": (put("variants.lsgan.title", "x" * 81), "variants.lsgan.title is 'xxx", ["at most 80 characters"]),
    "title a number": (put("variants.lsgan.title", 4), "variants.lsgan.title is 4", ["valid string"]),
    "objective text": (
        put("variants.lsgan.objective", "lsgan"),
        "variants.lsgan.objective is 'lsgan'",
        ["mapping with `kind`", "hinge, loss_sensitive, lsgan"],
    ),
    "objective missing": (
        drop("variants.lsgan.objective"),
        "params.yaml lacks the key variants.lsgan.objective",
        ["add it"],
    ),
    "objective without kind": (
        drop("variants.lsgan.objective.kind"),
        "variants.lsgan.objective is {real: 1.0",
        ["lacks the key `kind`"],
    ),
    "objective of no kind": (
        put("variants.lsgan.objective.kind", "lsgna"),
        "variants.lsgan.objective.kind is 'lsgna'",
        ["is not a known kind", "lsgan"],
    ),
    "objective lacks a key": (
        drop("variants.lsgan.objective.target"),
        "params.yaml lacks the key variants.lsgan.objective.target",
        ["add it"],
    ),
    "objective unknown key": (
        put("variants.rpgan.objective.margin", 1.0),
        "variants.rpgan.objective.margin is 1.0",
        ["remove it", "known: kind"],
    ),
    "margin zero": (
        put("variants.ebgan.objective.margin", 0.0),
        "variants.ebgan.objective.margin is 0.0",
        ["greater than 0"],
    ),
    "penalties a mapping": (
        put("variants.rpgan.penalties", {"kind": "r1"}),
        "variants.rpgan.penalties is {kind: 'r1'}",
        ["valid list"],
    ),
    "penalty text": (
        put("variants.rpgan.penalties", ["r1"]),
        "variants.rpgan.penalties.0 is 'r1'",
        ["mapping with `kind`", "pulling_away, r1, r2"],
    ),
    "penalty of no kind": (
        put("variants.rpgan.penalties.1.kind", "r3"),
        "variants.rpgan.penalties.1.kind is 'r3'",
        ["pulling_away, r1, r2"],
    ),
    "penalty unknown key": (
        put("variants.rpgan.penalties.1.wieght", 2.0),
        "variants.rpgan.penalties.1.wieght is 2.0",
        ["did you mean weight"],
    ),
    "penalty weight": (
        put("variants.rpgan.penalties.1.weight", -2.0),
        "variants.rpgan.penalties.1.weight is -2.0",
        ["greater than 0"],
    ),
    "constraint unknown key": (
        put(
            "variants.lsgan.constraints", [{"kind": "weight_clipping", "player": "critic", "limits": 1.0, "limit": 1.0}]
        ),
        "variants.lsgan.constraints.0.limits is 1.0",
        ["did you mean limit"],
    ),
    "procedure steps": (
        put("variants.wgan_gp.procedure.critic_steps", 0),
        "variants.wgan_gp.procedure.critic_steps is 0",
        ["greater than or equal to 1"],
    ),
    # a part of another kind has none of the keys below it
    "other kind lacks a key of the replaced part": (
        put("variants.lsgan.generator_optimizer", {"kind": "rmsprop", "alpha": 0.9}),
        "params.yaml lacks the key variants.lsgan.generator_optimizer.lr",
        ["add it"],
    ),
    "other kind with a key of the replaced part": (
        put("variants.lsgan.generator_optimizer", {"kind": "rmsprop", "alpha": 0.9, "lr": 0.1, "betas": [0.5, 0.9]}),
        "variants.lsgan.generator_optimizer.betas is [0.5, 0.9]",
        ["remove it", "known: kind, lr, alpha"],
    ),
    # on
    "on nothing": (
        put("variants.lsgan.on", None),
        "variants.lsgan.on is null",
        ["digits, fashion_mnist, gaussian_1d, grid", "images", "ring"],
    ),
    "on a list": (
        put("train.on", ["images"]),
        "train.on is ['images']",
        ["mapping of celeba, cifar10, digits", "images"],
    ),
    "on an unknown name": (
        put("variants.lsgan.on", {"image": {}}),
        "variants.lsgan.on.image is neither a form nor a data set",
        ["use one of celeba, cifar10, digits", "images, mnist, points, ring"],
    ),
    "on a name that holds nothing": (
        put("variants.lsgan.on", {"images": None}),
        "variants.lsgan.on.images is null",
        ["mapping"],
    ),
    "on in train, unknown name": (put("train.on.dots", {}), "train.on.dots is neither", ["points, ring"]),
    "on, unknown key": (
        put("variants.lsgan.on.images.stps", 5),
        "variants.lsgan.on.images.stps is 5",
        ["did you mean steps"],
    ),
    "on, unknown key in a part": (
        put("variants.ebgan.on.points.critic.cod", 5),
        "variants.ebgan.on.points.critic.cod is 5",
        ["did you mean code"],
    ),
    "on, for data that is not chosen": (
        put("variants.lsgan.on", {"mnist": {"batch": -1}}),
        "variants.lsgan.on.mnist.batch is -1",
        ["greater than or equal to 2"],
    ),
    "on, for data of the other form": (
        put("variants.lsgan.on", {"grid": {"batch": 1.5}}),
        "variants.lsgan.on.grid.batch is 1.5",
        ["valid integer"],
    ),
    "on within on": (
        put("variants.lsgan.on", {"points": {"on": {}}}),
        "variants.lsgan.on.points.on is {}, but no such key",
        ["remove it"],
    ),
    # combinations that make no sense
    "energy objective on a score": (
        both(drop("variants.loss_sensitive.on"), put("variants.loss_sensitive.critic", critic("score"))),
        "variants.loss_sensitive.critic.kind is 'mlp'",
        ["loss_sensitive reads the critic's energy", "emits a score", "`output: energy`"],
    ),
    "score objective on an energy": (
        put("variants.lsgan.critic", critic("energy")),
        "variants.lsgan.critic.kind is 'mlp'",
        ["lsgan reads the critic's score", "emits an energy", "`output: score`"],
    ),
    "pulling-away without a code": (
        both(
            put("variants.lsgan.critic", critic()),
            put("variants.lsgan.penalties", [{"kind": "pulling_away", "weight": 0.1}]),
        ),
        "variants.lsgan.penalties.0.kind is 'pulling_away'",
        ["the critic mlp has none", "`critic.kind: autoencoder`"],
    ),
    "gradient penalty beside batch norm": (
        put("variants.wgan_gp.critic", critic(norm="batch")),
        "variants.wgan_gp.penalties.0.kind is 'gradient_penalty'",
        ["batch norm couples the samples", "`critic.norm: layer` or `none`"],
    ),
    "R2 beside batch norm": (
        both(
            put("variants.rpgan.critic", critic(norm="batch")),
            put("variants.rpgan.penalties", [{"kind": "r2", "weight": 1.0}]),
        ),
        "variants.rpgan.penalties.0.kind is 'r2'",
        ["`critic.norm: layer` or `none`"],
    ),
    "batch and pack": (
        both(put("variants.lsgan.batch", 64), put("variants.lsgan.procedure", {"pack": 3})),
        "variants.lsgan.batch is 64",
        ["whole packs of `procedure.pack` = 3", "use 63"],
    ),
    "batch of a single pack": (
        both(put("variants.lsgan.batch", 64), put("variants.lsgan.procedure", {"pack": 64})),
        "variants.lsgan.batch is 64",
        ["two or more whole packs of `procedure.pack` = 64", "use 128"],
    ),
    "pack larger than the batch": (
        both(put("variants.lsgan.batch", 8), put("variants.lsgan.procedure", {"pack": 100})),
        "variants.lsgan.batch is 8",
        ["use 200"],
    ),
    "pre-training without an autoencoder": (
        both(put("variants.lsgan.critic", critic()), put("variants.lsgan.pretrain", {"steps": 5})),
        "variants.lsgan.pretrain.steps is 5",
        ["the critic mlp is none", "`critic.kind: autoencoder` or 0"],
    ),
}


@pytest.mark.parametrize(("change", "start", "words"), BAD.values(), ids=BAD)
def test_a_mistake_is_one_sentence_with_key_value_and_remedy(change: Change, start: str, words: list[str]) -> None:
    raw = copy.deepcopy(ORIGINAL)
    change(raw)
    assert raw != ORIGINAL
    with pytest.raises(BadInput) as caught:
        checked(raw)
    sentence = str(caught.value)
    assert sentence.startswith(start)
    for word in words:
        assert word in sentence
    assert sentence.endswith(".")
    assert not {"\n", ". "} & {sentence[i : i + n] for n in (1, 2) for i in range(len(sentence))}
    for python in ("Input", "Tuple", "tuple", "dict", "String should", "Latent", "Value error"):
        assert python not in sentence
