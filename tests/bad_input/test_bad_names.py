"""Names of variants and data sets reach a shell and the file system: what is no plain word is refused in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mutations import Raw
from small_params import is_one_sentence, said, untouched, whole_row

from ganpipe.config.overlay import LONGEST_NAME, read_project
from ganpipe.utils.errors import UserError

_nothing_changes = pytest.fixture(untouched, autouse=True)
NAMES = [
    "", "..", "../x", "/etc", "~", "*", "--help", "a b", "a;touch harm", "$(touch harm)", "${loss}", "a'b", "a\nb",
    "a\n", "a\0b", "\x1b[31m", "a\u202eb", "<b>", "Lsgan", "1a", "_a", "a-b", "a.b", "é", "{0}",
    "a" * (LONGEST_NAME + 1), "a" * 100_000,
]  # fmt: skip
LEGAL = f"use at most {LONGEST_NAME} lower-case letters, digits and _, a letter first."


def refused(raw: Raw, start: str) -> str:
    sentence = said(raw)
    assert is_one_sentence(sentence)
    assert sentence.startswith(start)
    return sentence


@pytest.mark.parametrize("name", NAMES, ids=[ascii(name)[1:21] for name in NAMES])
def test_a_name_that_is_none(name: str, tmp_path: Path) -> None:
    """As a data set, a variant, a choice, a form of data and a key."""
    raw = whole_row()
    raw["datasets"][name] = raw["datasets"]["ring"]
    assert refused(raw, "datasets.").endswith(f"is not a legal name: {LEGAL}")

    for key, value, start in (("loss", name, "loss is "), ("data", {"kind": name, "limit": None}, "data.kind is ")):
        assert "known: " in refused(whole_row() | {key: value}, start)

    raw = whole_row()
    raw["variants"]["variant"]["overrides"] = {name: {}}
    assert "use one of images, points, ring" in refused(raw, "variants/variant.yaml: overrides.")

    raw = whole_row()
    raw["variants"]["variant"]["objective"][name] = 1
    assert "no such key is known: remove it (known: kind)" in refused(raw, "variants/variant.yaml: objective.")

    file = tmp_path.with_name("names.yaml")
    file.write_text(f"variants: {[name]!a}".replace("'", '"') if "'" not in name else 'variants: ["a\'b"]')
    with pytest.raises(UserError) as caught:
        read_project(file)
    assert is_one_sentence(str(caught.value))
    assert str(caught.value).endswith(f", which is not a legal name: {LEGAL}")


@pytest.mark.parametrize("seed", ["0; touch harm", "../0", -1, 1.0, True, None, [0], "0\n"])
def test_a_seed(seed: Any) -> None:
    raw = whole_row()
    raw["seeds"] = [0, seed]
    refused(raw, "seeds.1 is ")


@pytest.mark.parametrize("title", ["a\nb", "\x1b[31mred", "a\0", "\u2029", "\x9b"])
def test_a_title_stands_on_one_line(title: str) -> None:
    raw = whole_row()
    raw["variants"]["variant"]["title"] = title
    assert "it should be" in refused(raw, "variants/variant.yaml: title is '")


@pytest.mark.parametrize("title", ["<script>alert(1)</script>", "\"a\" & 'b'", "größer · 名 \u00a0²", "${x} $(y) `z`"])
def test_a_title_may_be_any_text_and_no_name_comes_of_it(title: str) -> None:
    """It reaches pages, which escape it, and never a shell."""
    raw = whole_row()
    raw["variants"]["variant"]["title"] = title
    with pytest.raises(pytest.fail.Exception, match="taken for legal"):
        said(raw)
