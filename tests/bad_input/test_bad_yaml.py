"""params.yaml as a file that is not as it should be: what is legal YAML and what is refused, with its line."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mutations import Raw
from small_params import is_one_sentence, untouched, whole_row

from ganpipe.config import configuration
from ganpipe.config.overlay import read_yaml
from ganpipe.utils.errors import UserError
from stages import resolve

_nothing_changes = pytest.fixture(untouched, autouse=True)


@pytest.fixture
def file(_nothing_changes: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Beside the folder in which nothing may change."""
    return tmp_path_factory.mktemp("file") / "params.yaml"


def write(file: Path, raw: Raw, change: Callable[[str], str] = lambda text: text) -> None:
    """A legal file with the variant in variants/ beside it: YAML holds JSON, a key a line here."""
    (file.parent / "variants").mkdir()
    for name, row in raw["variants"].items():
        (file.parent / "variants" / f"{name}.yaml").write_text(json.dumps(row, indent=1))
    file.write_bytes(change(json.dumps(raw | {"variants": list(raw["variants"])}, indent=1)).encode())


# the file, the line that is named (None: there is none), and words of the reason
REFUSED: dict[str, tuple[str | bytes, int | None, str]] = {
    "python object": ("a: 1\nb: !!python/object/apply:os.system ['touch harm']\n", 2, "tag"),
    "own tag": ("a:\n  b: !own 3\n", 2, "!own"),
    "no int": ("a: !!int abc\n", None, "abc"),
    "number of 5000 digits": ("x: 1\na: " + "9" * 5000, None, "digits"),
    "key twice": ("a: 1\nb:\n  c: 1\n  c: 2\n", 4, 'duplicate key "c"'),
    "merged number": ("a:\n  <<: 3\n", 2, "for merging"),
    "mapping as key": ("? {a: 1}\n: 2\n", 1, "unhashable key"),
    "unknown alias": ("a: *nowhere\n", 1, "undefined alias"),
    "tab": ("a:\n\tb: 1\n", 2, "'\\t' that cannot start any token"),
    "bracket left open": ("a: [1,\n", 2, ""),
    "quote left open": ("a: 'x\n", 2, "unexpected end of stream"),
    "list and mapping": ("- 1\na: 2\n", 2, ""),
    "two values": ("a: b: c\n", 1, "mapping values are not allowed here"),
    "two documents": ("a: 1\n---\nb: 2\n", 2, "another document"),
    "nul": ("a: 1\nb: \0\n", 2, "#x0000"),
    "escape": ("# a comment\n\n# \x1b[31m\na: 1\n", 3, "#x001b"),
    "latin-1": ("a: 1\nb: größer\n".encode("latin-1"), 2, "byte 0xf6 in line 2 is not UTF-8"),
    "UTF-16": ("a: 1\n".encode("utf-16"), 1, "byte 0xff in line 1 is not UTF-8"),
    "nested too deeply": ("a: " + "[" * 1000, None, "recursion"),
    "nothing": ("", None, "is null: it should be a mapping"),
    "a list": ("- 1\n- null\n", None, "is [1, null]: it should be a mapping"),
    "a set": ("!!set {x}\n", None, "it should be a mapping"),
    "a long text": ("x" * 100_000, None, "xxx...: it should be a mapping"),
    "an empty mapping": ("{}\n", None, "lacks the key loss: add it"),
    "a merge conflict": (
        "<<<<<<< HEAD\nloss: a\n=======\nloss: b\n>>>>>>> other\n",
        None,
        "mark of a git merge in line 1: ",
    ),
}


@pytest.mark.parametrize(("content", "line", "words"), REFUSED.values(), ids=REFUSED)
def test_a_file_that_is_refused(content: str | bytes, line: int | None, words: str, file: Path) -> None:
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UserError) as caught:
        configuration.load(file)
    sentence = str(caught.value)
    assert words in sentence
    assert is_one_sentence(sentence)
    assert len(sentence) < 700
    assert line is None or f" in line {line} " in sentence
    assert sentence.startswith((str(file), f"{file.name} lacks"))
    assert not Path("harm").exists()


# a value as it may be written, where a number, text or something else is due
VALUES: dict[str, tuple[str, str]] = {
    ".nan": ("runtime.threads", ".nan"),
    "-.inf": ("train.ema", "-.inf"),
    "1e400": ("classifier.lr", ".inf"),
    str(10**30): ("classifier.width", str(10**30)),
    "0x" + "f" * 5000: ("classifier.width", "0x" + "f" * 55 + "..."),
    '"64"': ("classifier.width", "'64'"),
    "1:30": ("classifier.width", "'1:30'"),
    "yes": ("runtime.threads", "'yes'"),
    "true": ("runtime.threads", "true"),
    "": ("runtime.threads", "null"),
    "{? [a] : b}": ("classifier.width", "{['a']: 'b'}"),
    '"<b>\\n\\e[31m"': ("runtime.device", r"'<b>\n\x1b[31m'"),
    "!!float 1": ("runtime.threads", "1.0"),
}


@pytest.mark.parametrize(("written", "place", "shown"), [(key, *value) for key, value in VALUES.items()], ids=ascii)
def test_a_value_that_is_refused_stands_in_the_sentence_as_it_was_written(
    written: str, place: str, shown: str, file: Path
) -> None:
    raw: Any = whole_row()
    raw["variants"]["variant"].pop("ema")
    *path, last = place.split(".")
    at = raw
    for key in path:
        at = at[key]
    at[last] = "THE VALUE"
    write(file, raw, lambda text: text.replace('"THE VALUE"', written))
    with pytest.raises(UserError) as caught:
        configuration.check(configuration.load(file))
    assert str(caught.value).startswith(f"{place} is {shown}: it should be ")
    assert is_one_sentence(str(caught.value))


LEGAL: dict[str, Callable[[str], str]] = {
    "as it is": lambda text: text,
    "a byte order mark": lambda text: "\ufeff" + text,
    "Windows' line ends": lambda text: text.replace("\n", "\r\n"),
    "a document mark and a comment": lambda text: f"# größer\n---\n{text}\n...\n",
    "aliases and merge keys": lambda text: text.replace('"seeds": [', '"seeds": &s [').replace(
        '"train": {}', '"train": {<<: {"steps": 5}}'
    ),
}


@pytest.mark.parametrize("change", LEGAL.values(), ids=LEGAL)
def test_a_file_that_is_legal(change: Callable[[str], str], file: Path) -> None:
    write(file, whole_row(), change)
    chosen = configuration.load(file)
    configuration.check(chosen)
    assert chosen.variants == whole_row()["variants"]


def test_yaml_is_read_as_dvc_reads_it(file: Path) -> None:
    """YAML 1.2: `1e-05` is a number and `on` a word."""
    file.write_bytes(b"on: 1e-05\nyes: no\ntext: '\xc3\xa4'\nlist: [1, 2.0]\n")
    assert read_yaml(file) == {"on": 1e-05, "yes": "no", "text": "ä", "list": [1, 2.0]}


def test_what_is_no_file(file: Path) -> None:
    def of(path: Path) -> str:
        with pytest.raises(UserError) as caught:
            configuration.load(path)
        assert is_one_sentence(str(caught.value))
        return str(caught.value).removeprefix(str(path))

    assert of(file) == " is not there: run from the project's folder."
    file.mkdir()
    assert of(file) == " cannot be read (Is a directory): make it a UTF-8 text file."
    file.rmdir()
    file.symlink_to(file)
    assert of(file) == " cannot be read (Too many levels of symbolic links): make it a UTF-8 text file."
    file.unlink()
    file.write_text("loss: a")
    assert of(file / "x") == " cannot be read (Not a directory): make it a UTF-8 text file."


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(file: Path) -> None:
    file.write_text("loss: a")
    file.chmod(0)
    with pytest.raises(UserError, match="cannot be read \\(Permission denied\\): make it a UTF-8 text file"):
        configuration.load(file)


def test_the_stage_says_the_same(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(file.parent)
    file.write_text("a: 'x\n")
    with pytest.raises(UserError, match=r"params\.yaml is not YAML in line 2"):
        resolve.main()
    assert list(file.parent.iterdir()) == [file]
