"""Any value at any place, any bytes as a file: one sentence and nothing else. The draws are the same in each run.

Only what is illegal is drawn: a scalar that the schema does not allow there, a list with a null in it, a mapping with a
key that none has, a file that ends before the list of variants, a byte that is no text. `make test-slow` draws more.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from mutations import ORIGINAL, ROOT, SCHEMA, Raw, Way, at, legal, put, walk
from small_params import is_one_sentence, said, small, untouched, whole_row

from ganpipe import prepared
from ganpipe.config import configuration
from ganpipe.config.overlay import read_yaml
from ganpipe.utils.errors import LONGEST_SENTENCE, LONGEST_VALUE, UserError, format_value

_nothing_changes = pytest.fixture(untouched, autouse=True)
# one fixture for all draws: nothing may change in any of them
SETTINGS = settings(
    derandomize=True, database=None, deadline=None, print_blob=False,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)  # fmt: skip


def fuzzed(*strategies: st.SearchStrategy[Any], few: int = 20, many: int = 200) -> Callable[..., Callable[..., None]]:
    """A test with so few examples in `make test`, and so many in `make test-slow`."""

    def decorate(claim: Callable[..., None]) -> Callable[..., None]:
        @pytest.mark.parametrize("examples", [few, pytest.param(many, marks=pytest.mark.slow)])
        def test(examples: int) -> None:
            settings(SETTINGS, max_examples=examples)(given(*strategies)(claim))()

        return test

    return decorate


text = st.text(st.characters(exclude_categories=("Cs",)), max_size=10)
long_text = st.builds(lambda part, times: part * times, text, st.sampled_from((1, 1, 1, 1000)))
numbers = st.integers() | st.floats() | st.integers(20, 4000).map(lambda digits: 10**digits)
scalars = st.none() | st.booleans() | numbers | long_text
anything = st.recursive(scalars, lambda inside: st.lists(inside) | st.dictionaries(long_text, inside), max_leaves=5)
# no name and no key begins so
unheard = long_text.map(lambda name: f"~{name}")
mappings = st.builds(lambda key, value, more: {**more, key: value}, unheard, anything, st.just({}))
lists = st.builds(lambda before, after: [*before, None, *after], st.lists(anything, max_size=3), st.lists(anything))


def places(raw: Raw) -> list[tuple[Way, list[Raw]]]:
    """Every place of a legal file."""
    walks = (walk(value, SCHEMA["properties"][key], (key,)) for key, value in raw.items())
    return [(way, nodes) for one in walks for way, _, nodes in one]


# a variant comes from a file that holds a mapping
PLACES = [(way, nodes) for way, nodes in places(whole_row()) if way[0] != "variants" or len(way) > 2]


@fuzzed(st.sampled_from(PLACES), scalars | lists | mappings, few=60)
def test_any_value_at_any_place(place: tuple[Way, list[Raw]], value: Any) -> None:
    way, nodes = place
    assume(isinstance(value, (dict, list)) or not legal(value, nodes))
    # text that is legal by its type may be no choice, and then it is refused as well
    raw = whole_row()
    put(way, copy.deepcopy(value))(raw)
    assert is_one_sentence(said(raw))


@fuzzed(st.sampled_from(list(ORIGINAL["variants"])), st.integers(0), unheard, anything, few=10, many=40)
def test_any_unknown_key_anywhere(row: str, number: int, key: str, value: Any) -> None:
    """At any mapping of a variant of the repository and of what all share, each of which some variant reads."""
    rows = {name: ORIGINAL["variants"][name] for name in ("non_saturating", row)}
    raw = small(rows, ["digits", "ring", "mnist"])
    mappings = [at(raw, way) for way, _ in places(raw) if isinstance(at(raw, way), dict) and way != ("variants",)]
    mappings[number % len(mappings)][key] = value
    sentence = said(raw)
    assert is_one_sentence(sentence)
    assert "~" in sentence


def finite(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return True


def refused(content: bytes) -> str:
    """What is said of a file with this content."""
    file = Path("../fuzzed.yaml")
    file.write_bytes(content)
    with pytest.raises(UserError) as caught:
        configuration.check(configuration.load(file))
    file.unlink()
    assert is_one_sentence(str(caught.value))
    return str(caught.value)


# characters of which YAML is made
LONGER = ("- ", ": ", "? ", "<<", "---", "...", "!!", "\n  ", "*x", "&x")
tokens = st.sampled_from([*":-?[]{},#&*!|>'\"%@` \n\t~=<x1.", *LONGER])
as_bytes = text.map(str.encode)


@fuzzed(st.binary(max_size=200) | as_bytes | st.lists(tokens, max_size=60).map(lambda parts: "".join(parts).encode()))
def test_any_bytes_as_the_file(content: bytes) -> None:
    refused(content)


FILE = (ROOT / "params.yaml").read_bytes()


@fuzzed(st.integers(0, FILE.index(b"\nvariants:")), few=5, many=40)
def test_the_file_cut_off_before_the_variants(end: int) -> None:
    refused(FILE[:end])


SMALL = json.dumps(whole_row(), indent=1).encode()
NO_TEXT = [b"\xff", b"\xc0", b"\x80", b"\x00", b"\x01", b"\x1b", b"\x7f", b"\xed\xa0\x80"]


@fuzzed(st.integers(0, len(SMALL)), st.sampled_from(NO_TEXT), few=10, many=40)
def test_a_byte_that_is_no_text_in_a_legal_file(place: int, byte: bytes) -> None:
    line = SMALL.count(b"\n", 0, place) + 1
    assert f" in line {line} " in refused(SMALL[:place] + byte + SMALL[place:])


@fuzzed(st.integers(0, len(SMALL)), tokens, st.integers(0, 40), few=10, many=40)
def test_a_legal_file_with_a_change_is_read_or_refused(place: int, token: str, length: int) -> None:
    file = Path("../fuzzed.yaml")
    file.write_bytes(SMALL[:place] + token.encode() + SMALL[place + length :])
    said: Any = None
    try:
        said = read_yaml(file)
    except UserError as error:
        said = str(error)
    file.unlink()
    assert isinstance(said, dict) or is_one_sentence(said)


@fuzzed(anything, few=50)
def test_a_value_is_shown_in_a_few_characters_of_one_line(value: Any) -> None:
    assert len(format_value(value)) <= LONGEST_VALUE
    sentence = str(UserError(f"x is {format_value(value)}."))
    assert sentence.isprintable()
    assert len(sentence) <= LONGEST_SENTENCE


@pytest.mark.parametrize("name", ["a\nb\x1b[31m", "\ud800", "\u2028", "x" * 10_000])
def test_an_error_is_one_line_whatever_is_in_it(name: str) -> None:
    assert is_one_sentence(str(UserError(f"the file {name} is missing: make it.")))


FACTS = ["format", "classes", "scale", "shape", "form", "train", "modes", "mode_std", "digest"]
MAGIC = [b"", b"\x93NUMPY\x01\x00", b"\x93NUMPY\x02\x00v\x00\x00\x00", b"PK\x03\x04", b"\x80\x04", b"\x93NUMPY\x03\x00"]


def prepared_digits() -> Path:
    folder = Path("../digits")
    images, labels = np.zeros((3, 1, 8, 8), np.uint8), np.arange(3)
    prepared.write(folder, "digits", prepared.PreparedDataset(images, labels, images, labels, classes=3))
    return folder


@fuzzed(st.sampled_from(prepared.ARRAYS), st.sampled_from(MAGIC), st.binary(max_size=200), st.integers(0, 200), many=40)
def test_an_array_of_any_bytes_is_no_prepared_data(array: str, magic: bytes, content: bytes, kept: int) -> None:
    """A digest is not met by chance; as many bytes of the file as are kept begin it."""
    folder = prepared_digits()
    file = folder / f"{array}.npy"
    good = file.read_bytes()
    file.write_bytes((magic or good[:kept]) + content)
    assume(file.read_bytes()[: len(good)] != good)
    with pytest.raises(UserError) as caught:
        prepared.read(folder)
    assert is_one_sentence(str(caught.value))
    assert str(caught.value).endswith(f"delete {folder} and run `dvc repro prepare`.")


@fuzzed(st.sampled_from(FACTS), anything)
def test_any_value_in_the_facts_of_prepared_data(key: str, value: Any) -> None:
    folder = prepared_digits()
    meta = json.loads((folder / "meta.json").read_text())
    # a larger number of classes, another scale or deviation are as good; DVC's own digest covers them
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    assume(finite(value) and value != meta[key] and not (number and key in ("classes", "scale", "mode_std")))
    assume(key != "mode_std" or value is not None)
    (folder / "meta.json").write_text(json.dumps(meta | {key: value}))
    with pytest.raises(UserError) as caught:
        prepared.read(folder)
    assert is_one_sentence(str(caught.value))
