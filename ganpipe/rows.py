"""params.yaml as plain data: reading it, and laying a row on what all rows share.

Kept apart from the validation of the whole file: a training resolves its own row with this, and so depends on neither
the other rows' parts nor the wording of error messages.
"""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import ConstructorError, SafeConstructor
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode

from ganpipe.errors import BadInput, shown

Overlay = dict[str, Any]
# the tags of what JSON has, and of the key << that merges mappings
PLAIN = {f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float", "str", "seq", "map", "merge")}
# with aliases a file of 300 bytes may hold more values than fit into memory
MOST_VALUES = 1_000_000
# the time to read nested brackets grows with the square of their number
MOST_BRACKETS = 300


def read_yaml(path: Path) -> Overlay:
    """A YAML 1.2 mapping as plain dicts and lists, read as DVC reads it; aliases and merge keys are legal.

    Raises BadInput: also for tags, dates and other values that JSON has not, and where aliases make it endless or huge.
    """
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = _Plain
    text = _text(path)
    try:
        if _brackets(text) > MOST_BRACKETS:
            raise RecursionError
        with warnings.catch_warnings():
            # of an anchor that is used twice, and of numbers in YAML 1.1: both are legal
            warnings.simplefilter("ignore")
            value = yaml.load(text)
    except YAMLError as error:
        mark, position = getattr(error, "problem_mark", None), getattr(error, "position", None)
        line = mark.line + 1 if mark else text.count("\n", 0, position) + 1 if isinstance(position, int) else None
        where = f" in line {line}" if line else ""
        reason = getattr(error, "problem", None) or str(error).splitlines()[0]
        reason = reason if len(reason) <= 200 else f"{reason[:197]}..."
        raise BadInput(f"{path} is not YAML{where} ({reason}): mend that line.") from None
    except RecursionError:
        raise BadInput(f"{path} is nested too deeply: remove the superfluous brackets.") from None
    if not isinstance(value, dict):
        raise BadInput(f"{path} is {shown(value)}: it should be a mapping of keys to values.")
    return value


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
        return content.decode("utf-8")
    except FileNotFoundError:
        raise BadInput(f"{path} is not there: run from the project's folder.") from None
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror}): make it a UTF-8 text file.") from None
    except UnicodeDecodeError as error:
        line, byte = content.count(b"\n", 0, error.start) + 1, content[error.start]
        raise BadInput(
            f"{path} cannot be read (byte {byte:#04x} in line {line} is not UTF-8): make it a UTF-8 text file."
        ) from None


def _brackets(text: str) -> int:
    """How deep brackets are nested at most, those in text and comments among them."""
    deepest = depth = 0
    for bracket in re.findall(r"[\[\]{}]", text):
        depth = depth + 1 if bracket in "[{" else max(depth - 1, 0)
        deepest = max(deepest, depth)
    return deepest


class _Plain(SafeConstructor):
    """Makes dicts, lists, text, numbers, booleans and null, and nothing else."""

    def construct_document(self, node: Node) -> Any:
        _size(node, {})
        return super().construct_document(node)

    def construct_object(self, node: Node, deep: bool = False) -> Any:
        tag = str(node.tag)
        name = tag.replace("tag:yaml.org,2002:", "!!")
        if tag not in PLAIN:
            reason = f"the tag {name} is none that is read: remove it"
            if isinstance(node, ScalarNode) and tag.startswith("tag:yaml.org"):  # as a date has without asking
                reason = f"{shown(node.value)} is {name} and not text: put it in quotes"
            raise ConstructorError(None, None, reason, node.start_mark)
        if isinstance(node, ScalarNode) and any("\ud800" <= character <= "\udfff" for character in node.value):
            reason = f"{shown(node.value)} holds half a character: write the character itself"
            raise ConstructorError(None, None, reason, node.start_mark)
        try:
            return super().construct_object(node, deep=deep)
        except (ValueError, KeyError):  # a scalar that is not what its tag says, or an int of thousands of digits
            reason = f"{shown(node.value)} cannot be read as {name}"
            raise ConstructorError(None, None, reason, node.start_mark) from None


def _size(node: Node, known: dict[int, int]) -> int:
    """How many values a node holds once its aliases are followed; each node is looked at once. Raises YAMLError."""
    if id(node) in known:
        if not known[id(node)]:
            raise ConstructorError(None, None, "an alias stands inside what it stands for", node.start_mark)
        return known[id(node)]
    known[id(node)] = 0
    inside = [] if isinstance(node, ScalarNode) else node.value
    if isinstance(node, MappingNode):
        inside = [item for pair in inside for item in pair]
    size = 1 + sum(_size(item, known) for item in inside)
    if size > MOST_VALUES:
        sentence = f"aliases make more than {MOST_VALUES:,} values of it"
        raise ConstructorError(None, None, sentence, node.start_mark)
    known[id(node)] = size
    return size


def selected(path: Path) -> tuple[str, str]:
    """The chosen data set and variant, as they stand in the file. Raises BadInput where it does not say them."""
    raw = read_yaml(path)
    for way in (("data", "kind"), ("loss",)):
        value: Any = raw
        for key in way:
            value = value.get(key) if isinstance(value, dict) else None
        if not isinstance(value, str):
            raise BadInput(f"{path} names no {'.'.join(way)}: see `ganpipe check`.")
    return raw["data"]["kind"], raw["loss"]


def merge(base: Overlay, over: Overlay) -> Overlay:
    """`over` laid on `base`, mapping by mapping. A part with another `kind` replaces the part below it whole."""
    out = dict(base)
    for key, value in over.items():
        below = out.get(key)
        if isinstance(value, dict) and isinstance(below, dict) and _same_kind(below, value):
            value = merge(below, value)
        out[key] = value
    return out


def _same_kind(below: Overlay, value: Overlay) -> bool:
    return "kind" not in value or value["kind"] == below.get("kind")


def merged(train: Overlay, row: Overlay, form: str, data: str) -> Overlay:
    """Everything that a row says for such data. Later wins: train, train.on.<form>, train.on.<data>, then the row's.

    A row's `first` is a row of its own, laid on `train` in the same way.
    """
    shared = _laid({}, train, form, data)
    out = _laid(shared, row, form, data)
    if isinstance(out.get("first"), dict):
        out["first"] = _laid(shared, out["first"], form, data)
    return out


def _laid(out: Overlay, source: Overlay, form: str, data: str) -> Overlay:
    on = source.get("on", {})
    for layer in ({k: v for k, v in source.items() if k != "on"}, on.get(form, {}), on.get(data, {})):
        out = merge(out, layer)
    return out
