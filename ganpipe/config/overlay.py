"""params.yaml and variants/ as plain data: reading them, and laying a variant on what all variants share.

Kept apart from the validation of the whole: a training resolves its own variant with this, and so depends neither on
the parts of other variants nor on the wording of error messages.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML

from ganpipe.utils.errors import UserError, format_value, join_key
from ganpipe.utils.io import merge_mark

Overlay = dict[str, Any]
PARAMS = "params.yaml"
FOLDER = "variants"
# names reach a shell and are names of files
LONGEST_NAME = 60
NAME = re.compile(rf"[a-z][a-z0-9_]{{0,{LONGEST_NAME - 1}}}")
LEGAL_NAME = f"use at most {LONGEST_NAME} lower-case letters, digits and _, a letter first"


class Place(NamedTuple):
    """A key of params.yaml or of a file in variants/. key_path: the keys that lead to it, empty for the whole file."""

    file: str
    key_path: tuple[int | str, ...] = ()

    def inside(self, *key_path: int | str) -> Place:
        """A key below this one."""
        return Place(self.file, (*self.key_path, *key_path))

    def __str__(self) -> str:
        """As in a sentence: `train.steps`, `variants/lsgan.yaml: objective.real`, or the file for all of it."""
        if not self.key_path:
            return self.file
        return join_key(*self.key_path) if self.file == PARAMS else f"{self.file}: {join_key(*self.key_path)}"


def file_of(variant: str) -> str:
    """The file of a variant, relative to the project's folder."""
    return f"{FOLDER}/{variant}.yaml"


def read_yaml(path: Path) -> Overlay:
    """The mapping in a YAML 1.2 file, read as DVC reads it. Raises UserError."""
    try:
        text = path.read_text(encoding="utf-8")
        value = YAML(typ="safe", pure=True).load(text)
    except FileNotFoundError:
        raise UserError(f"{path} is not there: run from the project's folder.") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}): make it a UTF-8 text file.") from None
    except UnicodeDecodeError as error:
        number, byte = error.object.count(b"\n", 0, error.start) + 1, error.object[error.start]
        sentence = f"{path} cannot be read (byte {byte:#04x} in line {number} is not UTF-8): make it a UTF-8 text file."
        raise UserError(sentence) from None
    except Exception as error:  # besides its own errors the parser raises ValueError, RecursionError and others
        if line := merge_mark(text):
            raise UserError(f"{path} holds the mark of a git merge in line {line}: keep one side.") from None
        mark, position = getattr(error, "problem_mark", None), getattr(error, "position", None)
        line = mark.line + 1 if mark else text.count("\n", 0, position) + 1 if isinstance(position, int) else None
        where = f" in line {line}" if line else ""
        reason = getattr(error, "problem", None) or (str(error).splitlines() or [type(error).__name__])[0]
        reason = reason if len(reason) <= 200 else f"{reason[:197]}..."
        raise UserError(f"{path} is not YAML{where} ({reason}): correct it.") from None
    if not isinstance(value, dict):
        raise UserError(f"{path} is {format_value(value)}: it should be a mapping of keys to values.")
    return value


def read_project(path: Path) -> Overlay:
    """params.yaml with the content of variants/ beside it: `variants` maps each name to what `read_variant` returns.

    A file that the list does not name is not read. Raises UserError for a name without a file.
    """
    raw = read_yaml(path)
    if "variants" not in raw:
        return raw
    names, folder = raw["variants"], path.parent / FOLDER
    if not isinstance(names, list) or not names:
        raise UserError(
            f"variants is {format_value(names)}: it should be a list of names, each with a file in {folder}."
        )
    for index, name in enumerate(names):
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise UserError(f"variants.{index} is {format_value(name)}, which is not a legal name: {LEGAL_NAME}.")
        if not (folder / f"{name}.yaml").is_file():
            missing = _no_such_file(folder, name)
            raise UserError(f"variants.{index} is {format_value(name)}, but {missing}: add it, or remove the name.")
        if name in names[:index]:
            raise UserError(f"variants.{index} is {format_value(name)} for the second time: remove it.")
    return {**raw, "variants": {name: read_variant(folder, name) for name in names}}


def read_variant(folder: Path, name: str, extended_by: tuple[str, ...] = ()) -> Overlay:
    """The content of variants/<name>.yaml, in which `extends: other` has become `extends: {other: <its content>}`.

    extended_by: the variants that extend this one. Raises UserError where there is no such file, or it extends itself.
    """
    variant, extended_by = read_yaml(folder / f"{name}.yaml"), (*extended_by, name)
    if "extends" in variant:
        base, place = variant["extends"], f"{folder / name}.yaml: extends"
        if not isinstance(base, str) or not NAME.fullmatch(base):
            raise UserError(f"{place} is {format_value(base)}: it should be the name of another file in {folder}.")
        if base in extended_by:
            raise UserError(f"{place} is {format_value(base)}, which extends {name} itself: remove one of the two.")
        if not (folder / f"{base}.yaml").is_file():
            missing = _no_such_file(folder, base)
            raise UserError(f"{place} is {format_value(base)}, but {missing}: use the name of another file there.")
        variant["extends"] = {base: read_variant(folder, base, extended_by)}
    return variant


def _no_such_file(folder: Path, name: str) -> str:
    """The clause of an error sentence, with the nearest name that exists."""
    near = difflib.get_close_matches(name, [file.stem for file in folder.glob("*.yaml")], n=1)
    return f"there is no {folder / name}.yaml{f' (did you mean {near[0]}?)' if near else ''}"


def selected(path: Path) -> tuple[str, str]:
    """The chosen data set and variant, as they stand in the file. Raises UserError where it does not say them."""
    raw = read_yaml(path)
    for key_path in (("data", "kind"), ("loss",)):
        value: Any = raw
        for key in key_path:
            value = value.get(key) if isinstance(value, dict) else None
        if not isinstance(value, str):
            raise UserError(f"{path} names no {'.'.join(key_path)}: see `ganpipe check`.")
    return raw["data"]["kind"], raw["loss"]


def merge(base: Overlay, over: Overlay) -> Overlay:
    """`over` laid on `base`, mapping by mapping. A part with another `kind` replaces the part below it whole."""
    out = dict(base)
    for key, value in over.items():
        below = out.get(key)
        if (
            isinstance(value, dict)
            and isinstance(below, dict)
            and value.get("kind", below.get("kind")) == below.get("kind")
        ):
            value = merge(below, value)
        out[key] = value
    return out


def layers(source: Overlay, place: Place, data_form: str, data: str) -> Iterator[tuple[Place, Overlay]]:
    """The parts of `train` or of a variant that apply to such data, with their places; later ones win.

    First come the layers of the variant that it extends, without their titles, then its own keys, then
    `overrides.<data form>` and `overrides.<data set>`.

    data_form: images or points. data: the name of the data set, or "" for any of that form.
    """
    for name, base in source.get("extends", {}).items():
        for found, layer in layers(base, Place(file_of(name)), data_form, data):
            yield found, {key: value for key, value in layer.items() if key != "title"}
    yield place, {key: value for key, value in source.items() if key not in ("extends", "overrides")}
    overrides = source.get("overrides", {})
    yield from ((place.inside("overrides", key), overrides[key]) for key in (data_form, data) if key in overrides)


def merged(train: Overlay, variant: Overlay, data_form: str, data: str) -> Overlay:
    """All settings of a variant for such data: the layers of `train`, and on them those of the variant.

    Its `stage1` is a variant as well, laid on `train` in the same way.
    """
    shared = _apply_layers({}, train, data_form, data)
    out = _apply_layers(shared, variant, data_form, data)
    if isinstance(out.get("stage1"), dict):
        out["stage1"] = _apply_layers(shared, out["stage1"], data_form, data)
    return out


def _apply_layers(out: Overlay, source: Overlay, data_form: str, data: str) -> Overlay:
    for _, layer in layers(source, Place(""), data_form, data):
        out = merge(out, layer)
    return out
