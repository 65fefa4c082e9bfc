"""Mistakes in params.yaml and variants/, each of which is one sentence with key, value and remedy."""

from __future__ import annotations

import pytest
from changed_params import ORIGINAL, Change, both, checked, critic, drop, few_rows, no_data_root, put
from schedule_mistakes import SCHEDULES

from ganpipe.utils.errors import UserError

_environment = pytest.fixture(no_data_root, autouse=True)


# what is done to params.yaml or a variant, the beginning of the sentence, and more words that it must hold; that every
# key refuses what is not of its type and within its bounds is in bad_input/test_bad_params.py
BAD: dict[str, tuple[Change, str, list[str]]] = {
    **SCHEDULES,
    # the top level
    "loss typo": (put("loss", "lsgna"), "loss is 'lsgna', which", ["did you mean lsgan", "known: non_saturating,"]),
    "loss unlike any": (put("loss", "qqq"), "loss is 'qqq'", ["known: non_saturating,"]),
    "loss that YAML takes for another type": (
        put("loss", True),
        "loss is true: it should be a valid string",
        ["put it in quotes"],
    ),
    "unknown key": (put("losss", "lsgan"), "losss is 'lsgan', but no such key", ["did you mean loss", "variants"]),
    "unknown key unlike any": (put("zzz", 1), "zzz is 1, but no such key", ["remove it", "known: loss,"]),
    "key nothing": (lambda raw: raw.update({None: 2}), "None is a key that is not text", ["quotes or remove it"]),
    "seed twice": (put("seeds", [0, 1, 0]), "seeds is [0, 1, 0]", ["once", "remove"]),
    "seeds a mapping": (put("seeds", {0: 1}), "seeds is {0: 1}", ["valid list"]),
    "classes of data without labels": (
        both(put("variants.cgan", ORIGINAL["variants"]["cgan"]), put("loss", "cgan"), put("data.kind", "ring")),
        "loss is 'cgan', which makes no sense with data.kind 'ring': it trains on class labels, which points have not",
        ["use digits, an image_folder with a sub-folder for each class"],
    ),
    "classes of too many": (
        both(
            put("variants.cgan", ORIGINAL["variants"]["cgan"]), put("loss", "cgan"), put("data.kind", "stacked_digits")
        ),
        "loss is 'cgan', which makes no sense with data.kind 'stacked_digits'",
        ["2 to 100 classes, the data have 1000 classes; use digits"],
    ),
    "data typo": (put("data.kind", "digit"), "data.kind is 'digit'", ["did you mean digits", "ring"]),
    "tuning that extends a variant": (
        put("tune.settings", {"extends": "lsgan"}),
        "tune.settings.extends is 'lsgan'",
        ["only a file in variants/ extends another one"],
    ),
    "tuning with overrides of no data": (
        put("tune.settings", {"overrides": {"digitz": {"steps": 5}}}),
        "tune.settings.overrides.digitz",
        ["use one of"],
    ),
    "tuning with overrides that are none": (
        put("tune.settings", {"overrides": {"digits": 7}}),
        "tune.settings.overrides.digits is 7",
        ["mapping of keys to values"],
    ),
    "no samples": (put("data.limit", 0), "data.limit is 0", ["greater than or equal to 1"]),
    "data set of no kind": (
        put("datasets.digits.kind", "x"),
        "datasets.digits.kind is 'x'",
        ["celeba, cifar10, digits, fashion_mnist, gaussian_1d"],
    ),
    "a key that is missing by a typo": (
        both(put("datasets.image_folder.brokn", "skip"), drop("datasets.image_folder.broken")),
        "datasets.image_folder.brokn is 'skip'",
        ["did you mean broken"],
    ),
    "a kind that is missing by a typo": (
        both(put("datasets.ring.knd", "ring"), drop("datasets.ring.kind")),
        "datasets.ring.knd is 'ring'",
        ["did you mean kind (one of: celeba, cifar10"],
    ),
    "data set unknown key": (put("datasets.ring.mode", 3), "datasets.ring.mode is 3", ["did you mean modes"]),
    "mnist of another size": (put("datasets.mnist.size", 64), "datasets.mnist.size is 64", ["28 or 32"]),
    "data set named like a form": (
        lambda raw: raw["datasets"].update(points=raw["datasets"]["ring"]),
        "datasets.points is the name of a kind of samples",
        ["choose another name"],
    ),
    "device": (put("runtime.device", "gpu"), "runtime.device is 'gpu'", ["'auto', 'cpu', 'cuda' or 'mps'"]),
    # train
    "train missing": (put("train", None), "train is null", ["mapping of keys to values"]),
    "train lacks a key": (drop("train.ema"), "variants/non_saturating.yaml lacks the key ema", ["add it"]),
    "rate beyond floats": (put("train.critic_optimizer.lr", 10**400), "train.critic_optimizer.lr is 1000", ["number"]),
    "one beta": (
        put("train.critic_optimizer.betas", [0.5]),
        "train.critic_optimizer.betas is [0.5]: it lacks a value",
        ["add one"],
    ),
    "latent text": (put("train.latent", "normal"), "train.latent is 'normal'", ["mapping"]),
    "nested unknown key": (
        put("train.pretrain.optimizer.beta", [0.1, 0.1]),
        "train.pretrain.optimizer.beta is [0.1, 0.1]",
        ["did you mean betas", "known: kind, lr, betas"],
    ),
    # rows
    "row empty": (put("variants.new", {}), "variants/new.yaml lacks the key title", ["add it"]),
    "title long": (put("variants.lsgan.title", "x" * 81), "variants/lsgan.yaml: title is 'xxx", ["at most 80"]),
    "overrides typo": (
        put("variants.lsgan.overides", {"images": {}}),
        "variants/lsgan.yaml: overides is {images: {}}",
        ["did you mean overrides"],
    ),
    "objective kind typo": (
        put("variants.lsgan.objective", {"kid": "lsgan", "real": 1.0}),
        "variants/lsgan.yaml: objective.kid is 'lsgan'",
        ["did you mean kind"],
    ),
    "objective text": (
        put("variants.lsgan.objective", "lsgan"),
        "variants/lsgan.yaml: objective is 'lsgan'",
        ["mapping with `kind`", "hinge, loss_sensitive, lsgan"],
    ),
    "objective without kind": (
        drop("variants.lsgan.objective.kind"),
        "variants/lsgan.yaml: objective is {real: 1.0",
        ["lacks the key `kind`"],
    ),
    "objective of no kind": (
        put("variants.lsgan.objective.kind", "lsgna"),
        "variants/lsgan.yaml: objective.kind is 'lsgna'",
        ["is not a known kind", "lsgan"],
    ),
    "objective lacks a key": (
        drop("variants.lsgan.objective.target"),
        "variants/lsgan.yaml lacks the key objective.target",
        ["add it"],
    ),
    "penalty unknown key": (
        put("variants.rpgan.penalties.1.wieght", 2.0),
        "variants/rpgan.yaml: penalties.1.wieght is 2.0",
        ["did you mean weight"],
    ),
    "penalty text": (
        put("variants.rpgan.penalties", ["r1"]),
        "variants/rpgan.yaml: penalties.0 is 'r1'",
        ["mapping with `kind`", "pulling_away, r1, r2"],
    ),
    # a part of another kind has none of the keys below it
    "other kind lacks a key of the replaced part": (
        put("variants.lsgan.generator_optimizer", {"kind": "rmsprop", "alpha": 0.9}),
        "variants/lsgan.yaml lacks the key generator_optimizer.lr",
        ["add it"],
    ),
    "other kind with a key of the replaced part": (
        put("variants.lsgan.generator_optimizer", {"kind": "rmsprop", "alpha": 0.9, "lr": 0.1, "betas": [0.5, 0.9]}),
        "variants/lsgan.yaml: generator_optimizer.betas is [0.5, 0.9]",
        ["remove it", "known: kind, lr, alpha"],
    ),
    # a variant that is extended is named by its own file
    "in what is extended": (
        put("variants.wgan_gp.extends.wgan.algorithm.critic_steps", 0),
        "variants/wgan.yaml: algorithm.critic_steps is 0",
        ["greater than or equal to 1"],
    ),
    "in the overrides of what is extended": (
        put("variants.ebgan.extends.autoencoder_critic.overrides.points.critic.cod", 5),
        "variants/autoencoder_critic.yaml: overrides.points.critic.cod is 5",
        ["did you mean code"],
    ),
    "train extends": (
        put("train.extends", "lsgan"),
        "train.extends is 'lsgan'",
        ["only a file in variants/", "remove"],
    ),
    "the first of a stack extends": (
        put("variants.lsgan.stage1", {"extends": "lsgan"}),
        "variants/lsgan.yaml: stage1.extends is 'lsgan'",
        ["only a file in variants/", "remove"],
    ),
    # overrides
    "overrides nothing": (
        put("variants.lsgan.overrides", None),
        "variants/lsgan.yaml: overrides is null",
        ["digits, fashion_mnist, gaussian_1d, grid", "images", "ring"],
    ),
    "overrides for an unknown name": (
        put("variants.lsgan.overrides", {"image": {}}),
        "variants/lsgan.yaml: overrides.image is neither images, points nor a data set",
        ["use one of celeba, cifar10, digits", "images, mnist, points, ring"],
    ),
    "overrides that hold nothing": (
        put("variants.lsgan.overrides", {"images": None}),
        "variants/lsgan.yaml: overrides.images is null",
        ["mapping"],
    ),
    "overrides in train for an unknown name": (
        put("train.overrides.dots", {}),
        "train.overrides.dots is neither",
        ["points, ring"],
    ),
    "overrides with an unknown key": (
        put("variants.lsgan.overrides.images.stps", 5),
        "variants/lsgan.yaml: overrides.images.stps is 5",
        ["did you mean steps"],
    ),
    "overrides for data that is not chosen": (
        put("variants.lsgan.overrides", {"mnist": {"batch": -1}}),
        "variants/lsgan.yaml: overrides.mnist.batch is -1",
        ["greater than or equal to 2"],
    ),
    "overrides within overrides": (
        put("variants.lsgan.overrides", {"points": {"overrides": {}}}),
        "variants/lsgan.yaml: overrides.points.overrides is {}, but no such key",
        ["remove it"],
    ),
    # fewer images than the metrics need
    "fewer images than neighbours": (
        put("evaluate.precision_recall_k", 360),
        "There are 360 test images of digits to compare, and evaluate.precision_recall_k is 360: at least 361 are",
        ["take more, or lower it"],
    ),
    "fewer samples of all than splits": (
        both(put("evaluate.inception_score_splits", 200), put("train.snapshots.num_samples", 100)),
        "There are 100 generated images by train.snapshots.num_samples to compare, and evaluate.inception_score_splits",
        ["take more, or lower it"],
    ),
    "fewer samples of one variant than splits": (
        both(put("evaluate.inception_score_splits", 150), put("variants.rpgan.num_samples", 120)),
        "There are 120 generated images by variants/rpgan.yaml: num_samples to compare, and evaluate.inception_score_s",
        ["take more, or lower it"],
    ),
    # combinations that make no sense
    "energy objective on a score": (
        both(drop("variants.loss_sensitive.overrides"), put("variants.loss_sensitive.critic", critic("score"))),
        "variants/loss_sensitive.yaml: critic.kind is 'mlp'",
        ["loss_sensitive reads the critic's energy", "emits a score", "`output: energy`"],
    ),
    "score objective on an energy": (
        put("variants.lsgan.critic", critic("energy")),
        "variants/lsgan.yaml: critic.kind is 'mlp'",
        ["lsgan reads the critic's score", "emits an energy", "`output: score`"],
    ),
    "pulling-away without a code": (
        both(
            put("variants.lsgan.critic", critic()),
            put("variants.lsgan.penalties", [{"kind": "pulling_away", "weight": 0.1}]),
        ),
        "variants/lsgan.yaml: penalties.0.kind is 'pulling_away'",
        ["the critic mlp has none", "`critic.kind: autoencoder`"],
    ),
    "gradient penalty beside batch norm": (
        put("variants.wgan_gp.critic", critic(norm="batch")),
        "variants/wgan_gp.yaml: penalties.0.kind is 'gradient_penalty'",
        ["batch norm couples the samples", "`critic.norm: layer` or `none`"],
    ),
    "R2 beside batch norm": (
        both(
            put("variants.rpgan.critic", critic(norm="batch")),
            put("variants.rpgan.penalties", [{"kind": "r2", "weight": 1.0}]),
        ),
        "variants/rpgan.yaml: penalties.0.kind is 'r2'",
        ["`critic.norm: layer` or `none`"],
    ),
    "batch and pack": (
        both(put("variants.lsgan.batch", 64), put("variants.lsgan.algorithm", {"pack": 3})),
        "variants/lsgan.yaml: batch is 64",
        ["whole packs of `algorithm.pack` = 3", "use 63"],
    ),
    "batch of a single pack": (
        both(put("variants.lsgan.batch", 64), put("variants.lsgan.algorithm", {"pack": 64})),
        "variants/lsgan.yaml: batch is 64",
        ["two or more whole packs of `algorithm.pack` = 64", "use 128"],
    ),
    "pack larger than the batch": (
        both(put("variants.lsgan.batch", 8), put("variants.lsgan.algorithm", {"pack": 100})),
        "variants/lsgan.yaml: batch is 8",
        ["use 200"],
    ),
    "pre-training without an autoencoder": (
        both(put("variants.lsgan.critic", critic()), put("variants.lsgan.pretrain", {"steps": 5})),
        "variants/lsgan.yaml: pretrain.steps is 5",
        ["the critic mlp is none", "`critic.kind: autoencoder` or 0"],
    ),
}


@pytest.mark.parametrize(("change", "start", "words"), BAD.values(), ids=BAD)
def test_a_mistake_is_one_sentence_with_key_value_and_remedy(change: Change, start: str, words: list[str]) -> None:
    raw = few_rows()
    change(raw)
    assert raw != few_rows()
    with pytest.raises(UserError) as caught:
        checked(raw)
    sentence = str(caught.value)
    assert sentence.startswith(start)
    for word in words:
        assert word in sentence
    assert sentence.endswith(".")
    assert not {"\n", ". "} & {sentence[i : i + n] for n in (1, 2) for i in range(len(sentence))}
    for python in ("Input", "Tuple", "tuple", "dict", "String should", "Latent", "Value error"):
        assert python not in sentence


@pytest.mark.parametrize(
    "change",
    [
        put("evaluate.precision_recall_k", 359),
        both(put("data.kind", "ring"), put("evaluate.max_samples", 2), put("evaluate.inception_score_splits", 5000)),
    ],
)
def test_as_many_images_as_the_metrics_need_are_enough_and_points_need_none(change: Change) -> None:
    raw = few_rows()
    change(raw)
    checked(raw)
