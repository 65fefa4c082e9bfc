"""Schedules, one file each: how a number changes over a training, as a function of the share of it that is done.

`Annotated[Positive, Scheduled(NonNegative)]` is a positive number, or a schedule between two that are not negative.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler, TypeAdapter, ValidationError
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, InitErrorDetails, core_schema

from ganpipe.parts import Choice, Frozen, Number, Part, refuse


class Schedule(Part):
    """From `start` in the first step to `end`, where it stays once the share `until` of the steps is done.

    There is no state: a training that goes on from a checkpoint has the numbers of one that was not stopped.
    """

    start: Number
    end: Number
    until: Annotated[float, Field(gt=0, le=1)]

    @abstractmethod
    def share(self, progress: float) -> float:
        """The share of the way from start to end after this share of the time, both from 0 to 1."""

    def way(self, progress: float) -> float:
        """The share of the way after this share of the steps: progress is 0 in the first step."""
        return self.share(min(progress / self.until, 1.0))

    def at(self, progress: float) -> float:
        """The number after this share of the steps."""
        way = self.way(progress)
        return (1 - way) * self.start + way * self.end


_KINDS = Choice("ganpipe.schedules")


@dataclass(frozen=True)
class Scheduled:
    """An annotation: the number may be a schedule, whose start and end are of the type `ends`.

    One of the two has to be of the number's own type: a rate that is 0 all the time is refused, as one of 0 is.

    The field has the type of the number all the same: before a step, `at` puts numbers in the place of schedules.
    """

    ends: Any

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_wrap_validator_function(
            self._load,
            handler(source),
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda value: value.model_dump(mode="json") if isinstance(value, Schedule) else value
            ),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        kinds = _KINDS.__get_pydantic_json_schema__(schema, handler)["oneOf"]
        end = handler(TypeAdapter(self.ends).core_schema)
        return {"anyOf": [handler(schema), *kinds], "properties": {"start": end, "end": end}}

    def _load(self, value: Any, number: Callable[[Any], Any]) -> Any:
        if not isinstance(value, (dict, Schedule)):
            return number(value)
        if isinstance(value, dict) and value.get("kind") == "constant":
            raise refuse("is not needed for a constant; write the number alone", "kind", value="constant")
        schedule: Any = _KINDS.load(value)
        for key in ("start", "end"):
            try:
                TypeAdapter(self.ends).validate_python(getattr(schedule, key))
            except ValidationError as error:
                first = error.errors()[0]
                problem = InitErrorDetails(
                    type=first["type"], loc=(key,), input=first["input"], ctx=first.get("ctx", {})
                )
                raise ValidationError.from_exception_data("schedule", [problem]) from None
        try:
            number(schedule.start)
        except ValidationError:
            try:
                number(schedule.end)
            except ValidationError as error:
                sentence = f"{error.errors()[0]['msg'].removeprefix('Input ')} where `start` is not"
                raise refuse(sentence, "end", value=schedule.end) from None
        return schedule


P = TypeVar("P", bound=Frozen)


def at(part: P, progress: float) -> P:
    """The part as it is after this share of the steps, with numbers in the place of its schedules."""
    now = {name: value for name, old in part if (value := _number(old, progress)) is not old}
    return part.model_copy(update=now) if now else part


def _number(value: Any, progress: float) -> Any:
    if isinstance(value, tuple) and any(isinstance(item, Schedule) for item in value):
        return tuple(_number(item, progress) for item in value)
    return value.at(progress) if isinstance(value, Schedule) else value
