"""params.yaml: the repository's own is valid, its layers are merged in order, no value in it ends in a traceback."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from changed_params import ORIGINAL, PARAMS, checked, critic, no_data_root, put
from hypothesis import given, settings
from hypothesis import strategies as st

from ganpipe import configuration
from ganpipe.errors import BadInput
from ganpipe.rows import merge, merged
from ganpipe.variant import Variant

_environment = pytest.fixture(no_data_root, autouse=True)


def test_the_params_of_this_repository_are_valid() -> None:
    chosen = configuration.load(PARAMS)
    configuration.check(chosen)
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
    names = ["train", "train.on.images", "train.on.digits", "row", "row.on.images", "row.on.digits"]
    layers = [{f"k{i}": name for i in range(n, 6)} | {"last": name} for n, name in enumerate(names)]
    for present in range(1, 7):
        kept = [layer if n < present else {} for n, layer in enumerate(layers)]
        train = {**kept[0], "on": {"images": kept[1], "digits": kept[2], "points": {"last": "wrong"}}}
        row = {**kept[3], "on": {"images": kept[4], "digits": kept[5], "mnist": {"last": "wrong"}}}
        found = merged(train, row, "images", "digits")
        assert found["last"] == names[present - 1]
        assert "on" not in found
        assert [found[f"k{i}"] for i in range(6)] == [names[min(i, present - 1)] for i in range(6)]


def test_a_row_changes_one_number_of_a_shared_part() -> None:
    raw = copy.deepcopy(ORIGINAL)
    raw["variants"]["lsgan"]["generator_optimizer"] = {"lr": 0.125}
    found = checked(raw).variant("lsgan").generator_optimizer.model_dump()
    assert found == raw["train"]["generator_optimizer"] | {"lr": 0.125, "betas": found["betas"]}
    assert list(found["betas"]) == raw["train"]["generator_optimizer"]["betas"]
    raw["variants"]["lsgan"]["generator_optimizer"] = {"kind": "rmsprop", "lr": 0.125, "alpha": 0.5}
    assert checked(raw).variant("lsgan").generator_optimizer.model_dump() == {
        "kind": "rmsprop",
        "lr": 0.125,
        "alpha": 0.5,
    }


def test_what_is_said_on_other_data_does_not_leak() -> None:
    raw = copy.deepcopy(ORIGINAL)
    raw["variants"]["lsgan"]["on"] = {"mnist": {"ema": 0.25}, "points": {"ema": 0.5}, "grid": {"ema": 0.125}}
    chosen = checked(raw)
    found = {data: chosen.variant("lsgan", data).ema for data in ("digits", "mnist", "ring", "grid")}
    assert found == {"digits": raw["train"]["ema"], "mnist": 0.25, "ring": 0.5, "grid": 0.125}


@pytest.mark.parametrize("row", ["lsgan", "lsgan_pearson"])
def test_least_squares_have_batch_norm_in_the_critic_on_all_images_but_the_digits(row: str) -> None:
    """Mao et al. 2017, figure 2; MNIST at 28 pixels needs it."""
    chosen = checked(copy.deepcopy(ORIGINAL))
    sets = ("mnist", "cifar10", "celeba", "digits", "stacked_digits")
    norms = {data: chosen.variant(row, data).critic.model_dump()["norm"] for data in sets}
    assert norms == dict.fromkeys(sets[:3], "batch") | dict.fromkeys(sets[3:], "none")


def test_legal_pairs_are_legal() -> None:
    """The neighbours of what is refused: layer norm under a penalty, an autoencoder with pulling-away, whole packs."""
    raw = copy.deepcopy(ORIGINAL)
    raw["variants"]["wgan_gp"]["critic"] = critic(norm="layer")
    raw["variants"]["lsgan"] |= {"critic": critic(norm="batch"), "batch": 64, "procedure": {"pack": 32}}
    raw["variants"]["rpgan"] |= {
        "critic": critic(),
        "constraints": [{"kind": "weight_clipping", "player": "critic", "limit": 0.01}],
    }
    checked(raw)


# --- whatever else somebody may write ------------------------------------------------------------------------------


@pytest.mark.parametrize("places", [("train.log_every",), ("variants.lsgan.title", "variants.lsgan.objective")])
def test_the_first_mistake_is_named_where_there_are_several(places: tuple[str, ...]) -> None:
    raw = copy.deepcopy(ORIGINAL)
    for place in places:
        put(place, [])(raw)
    with pytest.raises(BadInput, match=places[0].replace(".", r"\.")):
        checked(raw)


def places(value: Any, way: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [way] * bool(way) + [place for key, item in inner for place in places(item, (*way, key))]


junk = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["dcgan", "mlp", "images", [], {}, {"kind": "lsgan"}, [{}], {"on": {}}, 10**400, [[0]], {1: 2}]),
)


@settings(max_examples=120, derandomize=True, deadline=None, database=None)
@given(place=st.sampled_from(places(ORIGINAL)), value=junk)
def test_any_value_anywhere_is_legal_or_refused_in_one_sentence(place: tuple[str | int, ...], value: Any) -> None:
    raw = copy.deepcopy(ORIGINAL)
    at: Any = raw
    for key in place[:-1]:
        at = at[key]
    at[place[-1]] = value
    sentence = "It is legal."
    try:
        checked(raw)
    except BadInput as error:
        sentence = str(error)
    assert sentence.endswith(".")
    assert "\n" not in sentence
