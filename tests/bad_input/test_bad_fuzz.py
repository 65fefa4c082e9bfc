"""Any value at any place, any bytes as a file: one sentence and nothing else. The draws are the same in each run.

Only what is illegal is drawn: a scalar that the schema does not allow there, a list with a null in it, a mapping with a
key that none has, a file that ends before the rows do, a byte that is no text.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from mutations import ORIGINAL, ROOT, SCHEMA, Raw, Way, at, legal, put, walk
from small_params import is_one_sentence, said, small, untouched, whole_row

from ganpipe import configuration, prepared
from ganpipe.errors import LONGEST_SENTENCE, LONGEST_VALUE, BadInput, shown
from ganpipe.rows import read_yaml

_nothing_changes = pytest.fixture(untouched, autouse=True)
# one fixture for all draws: nothing may change in any of them
fuzz = settings(
    derandomize=True, database=None, deadline=None, print_blob=False,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)  # fmt: skip
FEW, MANY = settings(fuzz, max_examples=40), settings(fuzz, max_examples=200)

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


PLACES = places(whole_row())


@MANY
@given(st.sampled_from(PLACES), scalars | lists | mappings)
def test_any_value_at_any_place(place: tuple[Way, list[Raw]], value: Any) -> None:
    way, nodes = place
    assume(isinstance(value, (dict, list)) or not legal(value, nodes))
    # text that is legal by its type may be no choice, and then it is refused as well
    raw = whole_row()
    put(way, copy.deepcopy(value))(raw)
    assert is_one_sentence(said(raw))


@FEW
@given(st.sampled_from(list(ORIGINAL["variants"])), st.integers(0), unheard, anything)
def test_any_unknown_key_anywhere(row: str, number: int, key: str, value: Any) -> None:
    """At any mapping of a row of the repository and of what all rows share, all of which one row or the other reads."""
    rows = {name: ORIGINAL["variants"][name] for name in ("non_saturating", row)}
    raw = small(rows, ["digits", "ring", "mnist"])
    mappings = [at(raw, way) for way, _ in places(raw) if isinstance(at(raw, way), dict)]
    mappings[number % len(mappings)][key] = value
    sentence = said(raw)
    assert is_one_sentence(sentence)
    assert "~" in sentence


@FEW
@given(anything.filter(lambda value: value != {}))
def test_anything_as_the_whole_file(value: Any) -> None:
    """Nine keys with what belongs to them are not drawn by chance."""
    file = Path("../fuzzed.yaml")
    file.write_text(json.dumps(value, allow_nan=False) if finite(value) else repr(value), encoding="utf-8")
    refused(file)


def finite(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return True


def refused(file: Path) -> str:
    with pytest.raises(BadInput) as caught:
        configuration.check(configuration.load(file))
    file.unlink()
    assert is_one_sentence(str(caught.value))
    return str(caught.value)


@MANY
@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_as_the_file(content: bytes) -> None:
    file = Path("../fuzzed.yaml")
    file.write_bytes(content)
    refused(file)


# characters of which YAML is made
LONGER = ("- ", ": ", "? ", "<<", "---", "...", "!!", "\n  ", "*x", "&x")
tokens = st.sampled_from([*":-?[]{},#&*!|>'\"%@` \n\t~=<x1.", *LONGER])


@MANY
@given(st.lists(tokens, max_size=60).map("".join))
def test_any_yaml_as_the_file(content: str) -> None:
    file = Path("../fuzzed.yaml")
    file.write_text(content)
    refused(file)


FILE = (ROOT / "params.yaml").read_bytes()
ROWS = FILE.index(b"\nvariants:")


@FEW
@given(st.integers(0, ROWS))
def test_the_file_cut_off_before_the_rows(end: int) -> None:
    file = Path("../fuzzed.yaml")
    file.write_bytes(FILE[:end])
    refused(file)


SMALL = json.dumps(whole_row(), indent=1).encode()
NO_TEXT = [b"\xff", b"\xfe", b"\xc0", b"\x80", b"\x00", b"\x01", b"\x1b", b"\x7f", b"\xed\xa0\x80"]


@FEW
@given(st.integers(0, len(SMALL)), st.sampled_from(NO_TEXT))
def test_a_byte_that_is_no_text_in_a_legal_file(place: int, byte: bytes) -> None:
    file = Path("../fuzzed.yaml")
    file.write_bytes(SMALL[:place] + byte + SMALL[place:])
    assert f" in line {SMALL.count(bytes([10]), 0, place) + 1} " in refused(file)


@FEW
@given(st.integers(0, len(SMALL)), tokens, st.integers(0, 40))
def test_a_legal_file_with_a_change_is_read_or_refused(place: int, token: str, length: int) -> None:
    """What is left may be legal, and then it is plain data."""
    file = Path("../fuzzed.yaml")
    file.write_bytes(SMALL[:place] + token.encode() + SMALL[place + length :])
    said: Any = None
    try:
        said = read_yaml(file)
    except BadInput as error:
        said = str(error)
    file.unlink()
    assert isinstance(said, dict) or is_one_sentence(said)


@MANY
@given(anything)
def test_a_value_is_shown_in_a_few_characters_of_one_line(value: Any) -> None:
    assert len(shown(value)) <= LONGEST_VALUE
    sentence = str(BadInput(f"x is {shown(value)}."))
    assert sentence.isprintable()
    assert len(sentence) <= LONGEST_SENTENCE


@FEW
@given(st.text(max_size=10_000))
def test_an_error_is_one_line_whatever_is_in_it(anything: str) -> None:
    sentence = str(BadInput(f"the file {anything} is not there: mend it."))
    assert is_one_sentence(sentence)


FACTS = ["format", "classes", "scale", "shape", "form", "train", "modes", "mode_std", "digest"]
MAGIC = [b"", b"\x93NUMPY\x01\x00", b"\x93NUMPY\x02\x00v\x00\x00\x00", b"PK\x03\x04", b"\x80\x04", b"\x93NUMPY\x03\x00"]


@FEW
@given(st.sampled_from(prepared.ARRAYS), st.sampled_from(MAGIC), st.binary(max_size=200), st.integers(0, 200))
def test_an_array_of_any_bytes_is_no_prepared_data(array: str, magic: bytes, content: bytes, kept: int) -> None:
    """A digest is not met by chance; as many bytes of the file as are kept begin it."""
    folder = Path("../digits")
    if not folder.exists():
        images, labels = np.zeros((3, 1, 8, 8), np.uint8), np.arange(3)
        prepared.write(folder, "digits", prepared.PreparedDataset(images, labels, images, labels, classes=3))
    file = folder / f"{array}.npy"
    good = file.read_bytes()
    file.write_bytes((magic or good[:kept]) + content)
    assume(file.read_bytes()[: len(good)] != good)
    try:
        with pytest.raises(BadInput) as caught:
            prepared.read(folder)
    finally:
        file.write_bytes(good)
    assert is_one_sentence(str(caught.value))
    assert str(caught.value).endswith(f"delete {folder} and run `dvc repro prepare`.")


@MANY
@given(st.sampled_from(FACTS), anything)
def test_any_value_in_the_facts_of_prepared_data(key: str, value: Any) -> None:
    folder = Path("../digits")
    images, labels = np.zeros((3, 1, 8, 8), np.uint8), np.arange(3)
    prepared.write(folder, "digits", prepared.PreparedDataset(images, labels, images, labels, classes=3))
    meta = json.loads((folder / "meta.json").read_text())
    # a larger number of classes, another scale or deviation are as good; DVC's own digest covers them
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    assume(finite(value) and value != meta[key] and not (number and key in ("classes", "scale", "mode_std")))
    assume(key != "mode_std" or value is not None)
    (folder / "meta.json").write_text(json.dumps(meta | {key: value}))
    with pytest.raises(BadInput) as caught:
        prepared.read(folder)
    assert is_one_sentence(str(caught.value))


def test_places_are_many() -> None:
    assert len(PLACES) >= 80
