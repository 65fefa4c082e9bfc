"""Every part with the parameters that a variant of params.yaml gives it, for the tests of every kind."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest

from ganpipe.config import configuration
from ganpipe.parts import Part, kinds

PARAMS = Path(__file__).resolve().parents[1] / "params.yaml"
DATA = ("digits", "mnist", "ring", "gaussian_1d")


def _parts(value: object) -> Iterator[Part]:
    """The part and the parts inside it, as the members of an ensemble."""
    if isinstance(value, Part):
        yield value
        for name in type(value).model_fields:
            yield from _parts(getattr(value, name))
    elif isinstance(value, tuple):
        for item in value:
            yield from _parts(item)


@cache
def _in_use() -> tuple[Part, ...]:
    chosen = configuration.load(PARAMS)
    variants = [chosen.variant(name, data) for name in chosen.variants for data in DATA]
    return tuple(part for v in variants for name in type(v).model_fields for part in _parts(getattr(v, name)))


def part_in_use(package: str, kind: str) -> Any:
    """The first part of this kind that a variant uses."""
    for part in _in_use():
        if type(part).__module__ == f"{package}.{kind}":
            return part
    return pytest.fail(f"no variant of params.yaml uses {package}.{kind}: add one")


def parts_in_use(package: str) -> dict[str, Any]:
    """One part of each kind."""
    return {kind: part_in_use(package, kind) for kind in kinds(package)}


def narrow(part: Part, **changes: Any) -> Any:
    """The part with a width of 4 wherever it has one, so that it is fast, and with these changes."""

    def small(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: 4 if key == "width" else small(item) for key, item in value.items()}
        return value

    return type(part).model_validate(small(part.model_dump()) | changes)


def variations(part: Part) -> list[Any]:
    """The part, and it with each other value that it offers for a choice (norm, output, ...)."""
    found = [part]
    for name, field in type(part).model_fields.items():
        offered = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
        offered = (False, True) if field.annotation is bool else offered
        found += [narrow(part, **{name: value}) for value in offered if value != getattr(part, name)]
    return found
