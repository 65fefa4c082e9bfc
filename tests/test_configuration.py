"""params.yaml and variants/: the repository's own are valid, and their layers are merged in order."""

from __future__ import annotations

import copy

import pytest
from changed_params import PARAMS, checked, critic, few_rows, no_data_root

from ganpipe.config import configuration
from ganpipe.config.overlay import merge, merged
from ganpipe.config.variant import Variant

_environment = pytest.fixture(no_data_root, autouse=True)


def test_the_params_of_this_repository_are_valid() -> None:
    chosen = configuration.load(PARAMS)
    configuration.check(chosen)
    # a batch goes on into the next pass over the data, so a limit may be below it
    configuration.check(chosen.model_copy(update={"data": chosen.data.model_copy(update={"limit": 100})}))
    assert chosen.loss in chosen.variants
    for row in chosen.variants:
        for data in chosen.datasets:
            variant = chosen.variant(row, data)
            assert Variant.model_validate(variant.model_dump(mode="json")) == variant
        assert chosen.variant(row) == chosen.variant(row, chosen.data.kind)


# --- merging -------------------------------------------------------------------------------------------------------


def test_merge_goes_mapping_by_mapping_and_leaves_its_inputs_alone() -> None:
    base = {"a": {"kind": "x", "p": 1, "q": {"r": 1, "s": 2}}, "b": [1, 2], "c": 3}
    over = {"a": {"q": {"s": 5}}, "b": [9], "d": None}
    before = copy.deepcopy((base, over))
    assert merge(base, over) == {"a": {"kind": "x", "p": 1, "q": {"r": 1, "s": 5}}, "b": [9], "c": 3, "d": None}
    assert (base, over) == before


def test_a_part_of_another_kind_replaces_the_part_whole() -> None:
    base = {"critic": {"kind": "dcgan", "width": 32, "norm": "none"}, "latent": {"size": 3}}
    assert merge(base, {"critic": {"kind": "dcgan", "width": 8}})["critic"] == {**base["critic"], "width": 8}
    assert merge(base, {"critic": {"width": 8}})["critic"] == {**base["critic"], "width": 8}
    assert merge(base, {"critic": {"kind": "mlp", "depth": 2}})["critic"] == {"kind": "mlp", "depth": 2}
    assert merge(base, {"latent": {"kind": "normal"}})["latent"] == {"kind": "normal"}
    assert merge(base, {"critic": None})["critic"] is None
    assert merge({"critic": None}, base) == base


def test_later_layers_win() -> None:
    """`train` < the extended variant < the variant, each with its overrides for the form, then for the data set."""
    names = [f"{source}{key}" for source in ("train", "base", "variant") for key in ("", " images", " digits")]
    layers = [{f"k{i}": name for i in range(n, 9)} | {"last": name} for n, name in enumerate(names)]
    wrong = {"points": {"last": "wrong"}, "mnist": {"last": "wrong"}}
    for present in range(1, 10):
        kept = [layer if n < present else {} for n, layer in enumerate(layers)]
        train, base, row = (
            {**kept[n], "overrides": {"images": kept[n + 1], "digits": kept[n + 2], **wrong}} for n in (0, 3, 6)
        )
        found = merged(train, row | {"extends": {"base": base}}, "images", "digits")
        expected = {f"k{i}": names[min(i, present - 1)] for i in range(9)}
        assert found == expected | {"last": names[present - 1]}


def test_a_title_is_not_extended_and_the_first_of_a_stack_is_laid_on_train_as_well() -> None:
    base = {"title": "Base", "stage1": {"title": "First", "overrides": {"images": {"steps": 3}}}}
    found = merged({"steps": 1, "batch": 2}, {"extends": {"base": base}, "steps": 5}, "images", "digits")
    assert found == {"steps": 5, "batch": 2, "stage1": {"title": "First", "steps": 3, "batch": 2}}


def test_a_row_changes_one_number_of_a_shared_part() -> None:
    raw = few_rows()
    raw["variants"]["lsgan"]["generator_optimizer"] = {"lr": 0.125}
    found = checked(raw).variant("lsgan").generator_optimizer.model_dump()
    assert found == raw["train"]["generator_optimizer"] | {"lr": 0.125, "betas": found["betas"]}
    assert list(found["betas"]) == raw["train"]["generator_optimizer"]["betas"]
    raw["variants"]["lsgan"]["generator_optimizer"] = other = {
        "kind": "rmsprop",
        "lr": {"kind": "linear", "start": 0.125, "end": 0.0, "until": 0.5},
        "alpha": 0.5,
    }
    assert checked(raw).variant("lsgan").generator_optimizer.model_dump() == other


def test_what_is_said_on_other_data_does_not_leak() -> None:
    raw = few_rows()
    raw["variants"]["lsgan"]["overrides"] = {"mnist": {"ema": 0.25}, "points": {"ema": 0.5}, "grid": {"ema": 0.125}}
    chosen = checked(raw)
    found = {data: chosen.variant("lsgan", data).ema for data in ("digits", "mnist", "ring", "grid")}
    assert found == {"digits": raw["train"]["ema"], "mnist": 0.25, "ring": 0.5, "grid": 0.125}


@pytest.mark.parametrize("row", ["lsgan", "lsgan_pearson"])
def test_least_squares_have_batch_norm_in_the_critic_on_all_images_but_the_digits(row: str) -> None:
    """Mao et al. 2017, metric 2; MNIST at 28 pixels needs it."""
    chosen = configuration.load(PARAMS)
    sets = ("mnist", "cifar10", "celeba", "digits", "stacked_digits")
    norms = {data: chosen.variant(row, data).critic.model_dump()["norm"] for data in sets}
    assert norms == dict.fromkeys(sets[:3], "batch") | dict.fromkeys(sets[3:], "none")


def test_legal_pairs_are_legal() -> None:
    """The neighbours of what is refused: layer norm under a penalty, an autoencoder with pull-away, whole packs."""
    raw = few_rows()
    raw["variants"]["wgan_gp"]["critic"] = critic(norm="layer")
    raw["variants"]["lsgan"] |= {"critic": critic(norm="batch"), "batch": 64, "algorithm": {"pack": 32}}
    raw["variants"]["rpgan"] |= {
        "critic": critic(),
        "constraints": [{"kind": "weight_clipping", "network": "critic", "limit": 0.01}],
    }
    checked(raw)


@pytest.mark.parametrize(("name", "passes"), [("lsgan", 1), ("flow_4", 4), ("ebm", 30), ("stacked", 2)])
def test_a_variant_says_how_many_passes_of_a_network_a_sample_takes(name: str, passes: int) -> None:
    assert configuration.load(PARAMS).variant(name, "digits").evaluations_per_sample == passes
