"""Names of rows and data sets reach a shell and the file system: what is no plain word is refused in one line."""

from __future__ import annotations

from typing import Any

import pytest
from mutations import Raw
from small_params import is_one_sentence, said, untouched, whole_row

from ganpipe.configuration import LONGEST_NAME

_nothing_changes = pytest.fixture(untouched, autouse=True)
NAMES = [
    "", " ", ".", "..", "../x", "a/b", "/etc", "a\\b", "~", "*", "?", "-rf", "--help", "a b", "a;touch harm", "a&b",
    "a|b", "a>b", "a<b", "$(touch harm)", "`touch harm`", "${loss}", "$HOME", "a'b", 'a"b', "a\nb", "a\n", "\ra",
    "a\tb", "a\0b", "\x1b[31m", "a\u2028b", "a\u202eb", "<script>alert(1)</script>", "<b>", "&amp;", "A", "Lsgan", "1a",
    "_a", "a-b", "a.b", "a:b", "a@b", "a,b", "é", "\uff41", "a²", "名", "%s", "{0}", "a" * (LONGEST_NAME + 1),
    "a" * 100_000,
]  # fmt: skip
ids = pytest.mark.parametrize("name", NAMES, ids=[ascii(name)[1:21] for name in NAMES])


def refused(raw: Raw, *starts: str) -> str:
    sentence = said(raw)
    assert is_one_sentence(sentence)
    assert sentence.startswith(starts)
    return sentence


@ids
def test_a_row(name: str) -> None:
    raw = whole_row()
    raw["variants"][name] = raw["variants"]["row"]
    raw["loss"] = name
    assert "is not a legal name: use at most 60 lower-case letters" in refused(raw, "variants.")


@ids
def test_a_data_set(name: str) -> None:
    raw = whole_row()
    raw["datasets"][name] = raw["datasets"]["ring"]
    raw["data"]["kind"] = name
    assert "is not a legal name: use at most 60 lower-case letters" in refused(raw, "datasets.")


@ids
@pytest.mark.parametrize(("key", "place"), [("loss", "loss"), ("data", "data.kind"), ("on", "variants.row.on.")])
def test_a_choice(key: str, place: str, name: str) -> None:
    """Nothing of that name is there, so what is there is listed."""
    raw = whole_row()
    if key == "on":
        raw["variants"]["row"]["on"] = {name: {}}
    else:
        raw[key] = name if key == "loss" else {"kind": name}
    sentence = refused(raw, place)
    assert ("known: r" in sentence) or ("use one of images, points, ring" in sentence)


@ids
def test_an_unknown_key(name: str) -> None:
    raw = whole_row()
    raw["variants"]["row"]["objective"][name] = 1
    sentence = refused(raw, "variants.row.objective.")
    assert "no such key is known: remove it (known: kind)" in sentence


@pytest.mark.parametrize("seed", ["0; touch harm", "$(touch harm)", "../0", -1, 1.0, True, None, [0], {"a": 0}, "0\n"])
def test_a_seed(seed: Any) -> None:
    raw = whole_row()
    raw["seeds"] = [0, seed]
    refused(raw, "seeds.1 is ")


@pytest.mark.parametrize("title", ["a\nb", "\x1b[31mred", "a\0", "\u2029", "\x9b"])
def test_a_title_stands_on_one_line(title: str) -> None:
    raw = whole_row()
    raw["variants"]["row"]["title"] = title
    assert "it should be" in refused(raw, "variants.row.title is '")


@pytest.mark.parametrize("title", ["<script>alert(1)</script>", "\"a\" & 'b'", "größer · 名 \u00a0²", "${x} $(y) `z`"])
def test_a_title_may_be_any_text_and_no_name_comes_of_it(title: str) -> None:
    """It reaches pages, which escape it, and never a shell."""
    raw = whole_row()
    raw["variants"]["row"]["title"] = title
    with pytest.raises(pytest.fail.Exception, match="taken for legal"):
        said(raw)
