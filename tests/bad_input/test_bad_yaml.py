"""params.yaml as a file that is not as it should be: what is legal YAML and what is refused, with its line."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mutations import Raw
from small_params import is_one_sentence, untouched, whole_row

from ganpipe import configuration
from ganpipe.errors import BadInput
from ganpipe.rows import read_yaml
from stages import resolve

_nothing_changes = pytest.fixture(untouched, autouse=True)


@pytest.fixture
def file(_nothing_changes: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Beside the folder in which nothing may change."""
    return tmp_path_factory.mktemp("file") / "params.yaml"


def text(raw: Raw) -> str:
    """A legal file: YAML holds JSON, a key a line here."""
    return json.dumps(raw, indent=1)


def bomb(levels: int, width: int = 9) -> str:
    lines = ["l0: &l0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * width)}]" for i in range(1, levels)]
    return "\n".join(lines) + "\n"


def merging_bomb(levels: int) -> str:
    lines = ["l0: &l0 {x: 1}"]
    lines += [f"l{i}: &l{i} {{<<: [{', '.join([f'*l{i - 1}'] * 9)}]}}" for i in range(1, levels)]
    return "\n".join(lines) + "\n"


TAGS = "none that is read: remove it"
QUOTES = "and not text: put it in quotes"
# the file, the line that is named (None: there is none), and words of the reason
REFUSED: dict[str, tuple[str | bytes, int | None, str]] = {
    "python object": ("a: 1\nb: !!python/object/apply:os.system ['touch harm']\n", 2, TAGS),
    "python name": ("a: !!python/name:os.system\n", 1, "!!python/name:os.system"),
    "python mapping": ("!!python/object:x.Y {a: 1}\n", 1, TAGS),
    "own tag": ("a:\n  b: !own 3\n", 2, f"the tag !own is {TAGS}"),
    "own tag of a list": ("a: !own [1]\n", 1, f"the tag !own is {TAGS}"),
    "set": ("a: !!set {x, y}\n", 1, f"the tag !!set is {TAGS}"),
    "ordered mapping": ("a: !!omap [x: 1]\n", 1, f"the tag !!omap is {TAGS}"),
    "binary": ("a: !!binary aGVsbG8=\n", 1, "'aGVsbG8=' is !!binary"),
    "date": ("a: 1\nb: 2020-01-01\n", 2, f"'2020-01-01' is !!timestamp {QUOTES}"),
    "time": ("b: 2020-01-01 10:00:00\n", 1, QUOTES),
    "no date": ("b: 2020-13-45\n", 1, QUOTES),
    "no int": ("a: !!int abc\n", 1, "'abc' cannot be read as !!int"),
    "no float": ("a: !!float abc\n", 1, "'abc' cannot be read as !!float"),
    "no bool": ("a: !!bool maybe\n", 1, "'maybe' cannot be read as !!bool"),
    "mapping as int": ("a: !!int {b: 1}\n", 1, "expected a scalar node"),
    "number of 5000 digits": ("x: 1\na: " + "9" * 5000, 2, "cannot be read as !!int"),
    "default value": ("a: =\n", 1, QUOTES),
    "key twice": ("a: 1\nb:\n  c: 1\n  c: 2\n", 4, 'duplicate key "c"'),
    "key twice, long values": (f"a: {'x' * 9000}\na: {'y' * 9000}\n", 2, 'duplicate key "a"'),
    "key twice, several lines": ('a: "x\\ny"\na: "z\\nw"\n', 2, 'duplicate key "a"'),
    "merge key twice": ("a: &a {x: 1}\nb:\n  <<: *a\n  <<: *a\n", 4, "duplicate merge key"),
    "merged number": ("a:\n  <<: 3\n", 2, "for merging"),
    "merged list of numbers": ("a:\n  <<: [3]\n", 2, "for merging"),
    "mapping as key": ("? {a: 1}\n: 2\n", 1, "unhashable key"),
    "unknown alias": ("a: *nowhere\n", 1, "undefined alias"),
    "alias inside itself": ("a: 1\nb: &b [*b]\n", 2, "an alias stands inside what it stands for"),
    "alias inside itself, mapping": ("a: &a {b: {c: *a}}\n", 1, "an alias stands inside"),
    "a bomb": (bomb(9), 7, "aliases make more than 1,000,000 values of it"),
    "a large bomb": (bomb(100), 7, "aliases make more than"),
    "a bomb of merge keys": (merging_bomb(20), 7, "aliases make more than"),
    "tab": ("a:\n\tb: 1\n", 2, "'\\t' that cannot start any token"),
    "bracket left open": ("a: [1,\n", 2, ""),
    "quote left open": ("a: 'x\n", 2, "unexpected end of stream"),
    "list and mapping": ("- 1\na: 2\n", 2, ""),
    "two values": ("a: b: c\n", 1, "mapping values are not allowed here"),
    "two documents": ("a: 1\n---\nb: 2\n", 2, "another document"),
    "another version": ("%YAML 3.0\n---\na: 1\n", 1, "incompatible"),
    "reserved": ("a: `x`\n", 1, "cannot start any token"),
    "nul": ("a: 1\nb: \0\n", 2, "#x0000"),
    "escape": ("# a comment\n\n# \x1b[31m\na: 1\n", 3, "#x001b"),
    "half a character": ('a: 1\nb: "\\ud800"\n', 2, "holds half a character"),
    "key of half a character": ('"\\udfff": 1\n', 1, "holds half a character"),
    "latin-1": ("a: 1\nb: größer\n".encode("latin-1"), 2, "byte 0xf6 in line 2 is not UTF-8"),
    "UTF-16": ("a: 1\n".encode("utf-16"), 1, "byte 0xff in line 1 is not UTF-8"),
    "UTF-16 without a mark": ("loss: rpgan\n".encode("utf-16-le"), 1, "#x0000"),
    "UTF-32": ("a: 1\n".encode("utf-32"), 1, "byte 0xff in line 1 is not UTF-8"),
    "gzip": (b"\x1f\x8b\x08\x00", 1, "byte 0x8b in line 1 is not UTF-8"),
    "nested too deeply": ("a: " + "[" * 200_000, None, "is nested too deeply: remove the superfluous brackets"),
    "nested too deeply, mappings": ("{a: " * 100_000, None, "is nested too deeply: remove the superfluous brackets"),
    "nested too deeply, lines": ("".join(" " * i + "a:\n" for i in range(1000)), None, "is nested too deeply"),
    "nothing": ("", None, "is null: it should be a mapping"),
    "only a comment": ("# loss: lsgan\n", None, "is null: it should be a mapping"),
    "only a document mark": ("---\n", None, "is null: it should be a mapping"),
    "a list": ("- 1\n- null\n", None, "is [1, null]: it should be a mapping"),
    "a number": ("1e3\n", None, "is 1000.0: it should be a mapping"),
    "a long text": ("x" * 100_000, None, "xxx...: it should be a mapping"),
    "an empty mapping": ("{}\n", None, "lacks the key loss: add it"),
    "a merge conflict": ("<<<<<<< HEAD\nloss: a\n=======\nloss: b\n>>>>>>> other\n", 2, ""),
}


@pytest.mark.parametrize(("content", "line", "words"), REFUSED.values(), ids=REFUSED)
def test_a_file_that_is_refused(content: str | bytes, line: int | None, words: str, file: Path) -> None:
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    start = time.monotonic()
    with pytest.raises(BadInput) as caught:
        configuration.load(file)
    sentence = str(caught.value)
    assert words in sentence
    assert is_one_sentence(sentence)
    assert len(sentence) < 700
    assert line is None or f" in line {line} " in sentence
    assert sentence.startswith((str(file), f"{file.name} lacks"))
    assert time.monotonic() - start < 30  # a bomb would take for ever
    assert not Path("harm").exists()


# a value as it may be written, where a number, text or something else is due
VALUES: dict[str, tuple[str, str]] = {
    ".nan": ("runtime.threads", ".nan"),
    ".NaN": ("variants.row.ema", ".nan"),
    ".inf": ("variants.row.ema", ".inf"),
    "-.inf": ("variants.row.ema", "-.inf"),
    "1e400": ("classifier.lr", ".inf"),
    "1e308": ("classifier.lr", "1e+308"),
    str(10**30): ("classifier.width", str(10**30)),
    "0x" + "f" * 5000: ("classifier.width", "0x" + "f" * 55 + "..."),
    "1_000.5": ("classifier.width", "1000.5"),
    '"64"': ("classifier.width", "'64'"),
    "'0.001'": ("classifier.lr", "'0.001'"),
    "1:30": ("classifier.width", "'1:30'"),
    "0o17x": ("classifier.width", "'0o17x'"),
    "yes": ("runtime.threads", "'yes'"),
    "true": ("runtime.threads", "true"),
    "~": ("runtime.threads", "null"),
    "": ("runtime.threads", "null"),
    "null": ("seeds", "null"),
    "!!str 64": ("classifier.width", "'64'"),
    "[[[[]]]]": ("classifier.width", "[[[[]]]]"),
    "{? [a] : b}": ("classifier.width", "{['a']: 'b'}"),
    '"<b>\\n\\e[31m"': ("runtime.device", r"'<b>\n\x1b[31m'"),
    "!!float 1": ("runtime.threads", "1.0"),
}


@pytest.mark.parametrize(("written", "place", "shown"), [(key, *value) for key, value in VALUES.items()], ids=ascii)
def test_a_value_that_is_refused_stands_in_the_sentence_as_it_was_written(
    written: str, place: str, shown: str, file: Path
) -> None:
    raw: Any = whole_row()
    *path, last = place.split(".")
    at = raw
    for key in path:
        at = at[key]
    at[last] = "THE VALUE"
    file.write_text(text(raw).replace('"THE VALUE"', written), encoding="utf-8")
    chosen = pytest.raises(BadInput)
    with chosen as caught:
        configuration.check(configuration.load(file))
    assert str(caught.value).startswith(f"{place} is {shown}: it should be ")
    assert is_one_sentence(str(caught.value))


LEGAL: dict[str, Callable[[str], str]] = {
    "as it is": lambda text: text,
    "a byte order mark": lambda text: "\ufeff" + text,
    "Windows' line ends": lambda text: text.replace("\n", "\r\n"),
    "a document mark and a comment": lambda text: f"# größer\n---\n{text}\n...\n",
    "an anchor": lambda text: text.replace('"seeds": [', '"seeds": &s ['),
    "an anchor used twice": lambda text: text.replace('"kind": "adam"', '"kind": &k "adam"'),
    "plain tags": lambda text: text.replace('"steps": 5000', '"steps": !!int "5000"').replace('"adam"', "!!str adam"),
    "YAML 1.1": lambda text: f"%YAML 1.1\n---\n{text}",
}


@pytest.mark.parametrize("change", LEGAL.values(), ids=LEGAL)
def test_a_file_that_is_legal(change: Callable[[str], str], file: Path) -> None:
    content = text(whole_row())
    file.write_bytes(change(content).encode())
    assert read_yaml(file) == whole_row()
    configuration.check(configuration.load(file))


def test_aliases_and_merge_keys_are_legal(file: Path) -> None:
    """They are YAML, DVC follows them as well, and a row is easily written as another one with a difference."""
    raw = whole_row()
    row = text(raw["variants"].pop("row"))
    content = text(raw)
    assert content.count('"variants": {}') == 1
    two = '"variants": {"row": &row ' + row + ', "other": {<<: *row, "title": "Another", "steps": 7}}'
    file.write_text(content.replace('"variants": {}', two))
    chosen = configuration.load(file)
    configuration.check(chosen)
    one, other = chosen.variant("row"), chosen.variant("other")
    assert other == one.model_copy(update={"title": "Another", "steps": 7})


def test_what_is_no_file(file: Path) -> None:
    def of(path: Path) -> str:
        with pytest.raises(BadInput) as caught:
            configuration.load(path)
        assert is_one_sentence(str(caught.value))
        return str(caught.value).removeprefix(str(path))

    assert of(file) == " is not there: run from the project's folder."
    file.mkdir()
    assert of(file) == " cannot be read (Is a directory): make it a UTF-8 text file."
    assert of(file / "x" / "y") == " is not there: run from the project's folder."
    file.rmdir()
    file.symlink_to(file)
    assert of(file) == " cannot be read (Too many levels of symbolic links): make it a UTF-8 text file."
    file.unlink()
    file.write_text("loss: a")
    assert of(file / "x") == " cannot be read (Not a directory): make it a UTF-8 text file."
    assert "File name too long" in of(file.parent / ("x" * 300))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(file: Path) -> None:
    file.write_text("loss: a")
    file.chmod(0)
    with pytest.raises(BadInput, match="cannot be read \\(Permission denied\\): make it a UTF-8 text file"):
        configuration.load(file)


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="Linux has a file that nobody can read")
def test_a_file_that_fails_while_it_is_read(file: Path) -> None:
    file.symlink_to("/proc/self/mem")
    with pytest.raises(BadInput, match="cannot be read \\(Input/output error\\)"):
        configuration.load(file)


def test_the_stage_says_the_same(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(file.parent)
    file.write_text("a: !!set {x}\n")
    with pytest.raises(BadInput, match=r"params\.yaml is not YAML in line 1"):
        resolve.main()
    assert list(file.parent.iterdir()) == [file]
