"""The base of every part: frozen pydantic models that refuse unknown keys, chosen by their `kind`.

A part is one file: `ganpipe/objectives/lsgan.py` defines the class with `kind: Literal["lsgan"]`, and nothing lists it.
`Choice("ganpipe.objectives")` is the union of all modules of that package. Only the module that a `kind` names is
imported, so a training imports the code of its own parts alone, and a change of one loss reruns only what uses it.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, ClassVar, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema


def _on_one_line(text: str) -> str:
    # control characters, lone surrogates, separators of lines and paragraphs
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in text):
        raise ValueError("should be text on one line, without control characters")
    return text


def _is_int(value: Any) -> Any:
    if type(value) is not int:
        raise ValueError("should be a whole number")
    return value


# for a Literal of numbers, which by itself takes true for 1
Whole = BeforeValidator(_is_int)
# the bound of numbers that have no other: far below where squares overflow float32 and sizes overflow int64
LARGEST = 10**9
Number = Annotated[float, Field(ge=-LARGEST, le=LARGEST)]
Positive = Annotated[float, Field(gt=0, le=LARGEST)]
NonNegative = Annotated[float, Field(ge=0, le=LARGEST)]
# scales and widths that something is divided by
Length = Annotated[float, Field(ge=1 / LARGEST, le=LARGEST)]
Count = Annotated[int, Field(ge=1, le=LARGEST)]
# sizes of data sets in memory, and numbers of layers
Samples = Annotated[int, Field(ge=1, le=10_000_000)]
Depth = Annotated[int, Field(ge=1, le=100)]
Line = Annotated[str, Field(min_length=1, max_length=4000), AfterValidator(_on_one_line)]
Title = Annotated[str, Field(min_length=1, max_length=80), AfterValidator(_on_one_line)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]


class Frozen(BaseModel):
    """A pydantic model that is immutable, with strict types, finite numbers and no unknown keys."""

    also_known: ClassVar[tuple[str, ...]] = ()
    """Keys beside the fields that are taken out before the validation."""
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_keys(cls, value: Any) -> Any:
        """Pydantic refuses them as well, without the keys that are known."""
        known = [*cls.model_fields, *cls.also_known]
        for key in value if isinstance(value, dict) else ():
            if isinstance(key, str) and key not in cls.model_fields:
                near = [] if key in cls.also_known else difflib.get_close_matches(key, known, n=1)
                message = (
                    f"no such key is known: {f'did you mean {near[0]}' if near else 'remove it'} (known: {{known}})"
                )
                raise _error("unknown_key", message, (key,), value[key], known)
        return value


class Part(Frozen):
    """One component of a variant (its objective, say). A subclass adds `kind: Literal["<name of its module>"]`."""

    kind: str


@cache  # asked for with each part of each variant, and reads a folder
def kinds(package: str) -> tuple[str, ...]:
    """The kinds of parts in a package, sorted: the names of its public modules."""
    path = importlib.import_module(package).__path__
    return tuple(sorted(m.name for m in pkgutil.iter_modules(path) if not m.name.startswith("_")))


def part_class(package: str, kind: str) -> type[Part]:
    """The class in `<package>/<kind>.py` with that `kind`. Raises TypeError where the module defines none."""
    module = importlib.import_module(f"{package}.{kind}")
    for value in vars(module).values():
        is_part = isinstance(value, type) and issubclass(value, Part) and value.__module__ == module.__name__
        if is_part and get_args(value.model_fields["kind"].annotation) == (kind,):
            part: type[Part] = value
            return part
    raise TypeError(f"{module.__name__} defines no part with kind {kind!r}")


@dataclass(frozen=True)
class Choice:
    """An annotation: the value is a part of this package, chosen by its `kind`."""

    package: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.load,
            serialization=core_schema.plain_serializer_function_ser_schema(lambda part: part.model_dump(mode="json")),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"oneOf": [_described(part_class(self.package, kind), handler) for kind in kinds(self.package)]}

    def load(self, value: Any) -> Part:
        """The part that a mapping describes. Raises ValidationError."""
        if isinstance(value, Part):
            return value
        known = kinds(self.package)
        if not isinstance(value, dict):
            raise _error("part_type", "should be a mapping with `kind`, one of: {known}", (), value, known=known)
        if "kind" not in value:
            for key in difflib.get_close_matches("kind", [key for key in value if isinstance(key, str)], n=1):
                message = "no such key is known: did you mean kind (one of: {known})"
                raise _error("unknown_key", message, (key,), value[key], known=known)
            raise _error("part_kind", "lacks the key `kind`, one of: {known}", (), value, known=known)
        if value["kind"] not in known:
            raise _error("part_kind", "is not a known kind, use one of: {known}", ("kind",), value["kind"], known=known)
        return part_class(self.package, value["kind"]).model_validate(value)


_UNFINISHED: set[str] = set()
"""Parts whose JSON schema is being made: an ensemble contains a choice that contains the ensemble."""


def _described(part: type[Part], handler: GetJsonSchemaHandler) -> JsonSchemaValue:
    """The part's JSON schema; inside itself, a reference to it."""
    inner = part.__pydantic_core_schema__
    name = str(inner.get("ref"))
    reference = core_schema.definition_reference_schema(name)
    if name in _UNFINISHED:
        return handler(reference)
    _UNFINISHED.add(name)
    try:
        return handler(core_schema.definitions_schema(reference, [inner]))
    finally:
        _UNFINISHED.remove(name)


def _error(code: str, message: str, loc: tuple[str, ...], value: Any, known: Sequence[str]) -> ValidationError:
    problem = PydanticCustomError(code, message, {"known": ", ".join(known)})
    return ValidationError.from_exception_data("part", [InitErrorDetails(type=problem, loc=loc, input=value)])


def refuse(message: str, *loc: str | int, value: Any = None) -> ValidationError:
    """The error of a rule over several keys, at the key `loc`; the message says what is wrong and the remedy."""
    problem = PydanticCustomError("rule", "{message}", {"message": message})
    return ValidationError.from_exception_data("rule", [InitErrorDetails(type=problem, loc=loc, input=value)])
