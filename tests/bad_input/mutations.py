"""Illegal contents of params.yaml and variants/, made from their JSON schemas: at every key every kind of wrong value.

Only what is illegal is made: a value is compared with the type and the bounds that the schema gives, and a layer that
no data reads is left alone. A mutation knows how the sentence about it has to begin.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganpipe.config.overlay import PARAMS, Place, file_of, merged, read_project
from ganpipe.config.schema import schemas
from ganpipe.utils.errors import format_value, join_key

ROOT = Path(__file__).resolve().parents[2]
ROW, SCHEMA = (schemas()[name] for name in ("variant.json", "params.json"))
# in memory the names of the list have become the variants in their files
SCHEMA["properties"]["variants"] = {"type": "object", "additionalProperties": ROW}
ORIGINAL = read_project(ROOT / "params.yaml")
HUGE = 10**30
# one of each type that YAML has, and what is easily taken for another
VALUES = (
    None, True, "many", "3", "", 1.5, -1, HUGE, -HUGE, 10**400, math.nan, math.inf, -math.inf, [], [None], {}, {"a": 1},
)  # fmt: skip
Raw = dict[str, Any]
Way = tuple[str | int, ...]


@dataclass(frozen=True)
class Mutation:
    """A change of params.yaml or a variant at one place, and the beginning of what is said of it."""

    name: str
    way: Way
    change: Callable[[Raw], object]
    says: str

    def applied(self, raw: Raw) -> Raw:
        raw = copy.deepcopy(raw)
        self.change(raw)
        return raw


def put(way: Way, value: Any) -> Callable[[Raw], object]:
    def change(raw: Raw) -> None:
        *path, last = way
        at: Any = raw
        for key in path:
            at = at[key]
        at[last] = value

    return change


def drop(way: Way) -> Callable[[Raw], object]:
    def change(raw: Raw) -> None:
        *path, last = way
        at: Any = raw
        for key in path:
            at = at[key]
        del at[last]

    return change


def at(value: Any, way: Way) -> Any:
    for key in way:
        value = value[key]
    return value


def place_of(way: Way) -> Place:
    """Where a person finds this key: rows have files of their own."""
    return Place(file_of(str(way[1])), way[2:]) if way[0] == "variants" else Place(PARAMS, way)


def alternatives(node: Raw) -> list[Raw]:
    """What a value may be, references followed and choices taken apart."""
    if "$ref" in node:
        return alternatives(SCHEMA["$defs"][node["$ref"].removeprefix("#/$defs/")])
    for word in ("oneOf", "anyOf"):
        if word in node:
            return [one for member in node[word] for one in alternatives(member)]
    return [node]


def legal(value: Any, nodes: list[Raw]) -> bool:
    """Whether a scalar is what one of these allows; lists and mappings are legal where any are."""
    return any(_is(value, node) for node in nodes)


def _is(value: Any, node: Raw) -> bool:
    if "const" in node or "enum" in node:
        return any(type(value) is type(one) and value == one for one in node.get("enum", [node.get("const")]))
    kind = node["type"]
    if value is None or isinstance(value, bool):
        return kind == ("null" if value is None else "boolean")
    if isinstance(value, str):
        return kind == "string" and node.get("minLength", 0) <= len(value) <= node.get("maxLength", math.inf)
    if isinstance(value, (int, float)):
        inside = node.get("minimum", -math.inf) <= value <= node.get("maximum", math.inf)
        inside &= node.get("exclusiveMinimum", -math.inf) < value < node.get("exclusiveMaximum", math.inf)
        return inside and (kind == "number" or (kind == "integer" and isinstance(value, int)))
    return kind == ("array" if isinstance(value, list) else "object")


def wrong(nodes: list[Raw], value: Any) -> Iterator[Any]:
    """Illegal values in the place of a legal one: of other types, and just outside of every bound."""
    candidates = list(VALUES)
    for node in nodes:
        step = 1 if node.get("type") == "integer" else 0.0
        for bound, beyond in (("minimum", -1), ("maximum", 1)):
            if bound in node:
                edge = node[bound]
                candidates.append(edge + beyond if step else math.nextafter(edge, beyond * math.inf))
        candidates += [node[bound] for bound in ("exclusiveMinimum", "exclusiveMaximum") if bound in node]
        candidates += ["x" * (node["maxLength"] + 1)] if "maxLength" in node else []
        candidates += ["", "x\ny", "\x1b[31m"] if node.get("minLength") else []
        choices = node.get("enum", [node["const"]] if "const" in node else [])
        candidates += ["nothing_of_the_kind", *(str(one).upper() + "_" for one in choices)] if choices else []
        candidates += [float(one) for one in choices if isinstance(one, int)]
    yield from (one for one in candidates if not legal(one, nodes) or (isinstance(one, str) and not one.isprintable()))
    if isinstance(value, list):
        fewest = max(node.get("minItems", 0) for node in nodes)
        most = min((node["maxItems"] for node in nodes if "maxItems" in node), default=None)
        yield from ([value[: fewest - 1]] if fewest else [])
        yield from ([[*value, *value[-1:] * (most + 1 - len(value))]] if most and value else [])


def example(node: Raw) -> Any:
    """A legal value, with every key that has no default."""
    first = alternatives(node)[0]
    if "const" in first or "enum" in first:
        return first.get("const", first.get("enum", [None])[0])
    match first["type"]:
        case "object":
            return {key: example(one) for key, one in first.get("properties", {}).items() if "default" not in one}
        case "array":
            items = first.get("prefixItems") or [first["items"]] * max(1, first.get("minItems", 1))
            return [example(one) for one in items]
        case "string":
            return "x"
        case "boolean":
            return False
        case "integer":
            return max(1, first.get("minimum", 1))
    return next(one for one in (0.5, 1.0, 0.0) if _is(one, first))


def fitting(nodes: list[Raw], value: Raw) -> list[Raw]:
    """Those of several mappings that have its `kind`, or all of its keys where it names none."""
    nodes = [node for node in nodes if node.get("type") == "object"]
    if "kind" in value:
        return [
            node for node in nodes if node["properties"].get("kind", {}).get("const", value["kind"]) == value["kind"]
        ]
    return [node for node in nodes if value.keys() <= node.get("properties", value).keys()]


def walk(value: Any, node: Raw, way: Way) -> Iterator[tuple[Way, Any, list[Raw]]]:
    """Every place in a legal value, with what the schema allows there."""
    nodes = alternatives(node)
    yield way, value, nodes
    if isinstance(value, dict):
        model = fitting(nodes, value)[0]
        for key, item in value.items():
            if key == "extends":  # a variant of its own
                continue
            inside = model.get("properties", {}).get(key, model.get("additionalProperties"))
            yield from walk(item, inside, (*way, key))
    elif isinstance(value, list):
        (array,) = [one for one in nodes if one.get("type") == "array"]
        for place, item in enumerate(value):
            yield from walk(
                item, array["prefixItems"][place] if "prefixItems" in array else array["items"], (*way, place)
            )


def mutations(value: Any, node: Raw, way: Way, required: bool = True) -> Iterator[Mutation]:
    """Everything that can be wrong in a legal value at this place. required: no layer below gives a missing key."""
    for place, item, nodes in walk(value, node, way):
        where = place_of(place)
        for one in wrong(nodes, item) if where.key_path else ():
            yield Mutation(f"{where}: {format_value(one)}", place, put(place, one), f"{where} is {format_value(one)}")
        if isinstance(item, dict):
            model = fitting(nodes, item)[0]
            if model.get("additionalProperties") is False:
                says = f"{where.inside('unheard')} is 1, but no such key is known"
                unheard, number = (*place, "unheard"), (*place, 7)
                yield Mutation(f"{where}: unknown key", unheard, put(unheard, 1), says)
                yield Mutation(
                    f"{where}: key 7", number, put(number, 1), f"{where.inside(7)} is a key that is not text"
                )
            for key in item if required and model.get("properties") else ():
                if "default" in model["properties"][key]:
                    continue
                says = f"{where.file} lacks the key {join_key(*where.key_path, key)}: add it."
                if key == "kind" and "const" in model["properties"]["kind"]:
                    rest = {k: v for k, v in item.items() if k != "kind"}
                    says = f"{where} is {format_value(rest)}: it lacks the key `kind`"
                yield Mutation(f"{where}: no {key}", (*place, key), drop((*place, key)), says)


def read_by(raw: Raw, way: Way, row: str) -> bool:
    """Whether any data reads what a layer of `train` or of a variant says here, or another layer always wins."""
    if len(way) <= 2 or "overrides" in way[-2:]:
        return True
    mark, marked = object(), copy.deepcopy(raw)
    put(way, mark)(marked)
    laid = (
        merged(marked["train"], marked["variants"][row], form, data)
        for form in ("images", "points")
        for data in (*raw["datasets"], "")
    )
    return any(_holds(one, mark) for one in laid)


def _holds(value: Any, mark: object) -> bool:
    if isinstance(value, dict):
        value = list(value.values())
    return value is mark or (isinstance(value, list) and any(_holds(item, mark) for item in value))
