"""The JSON schemas of params.yaml and of the files in variants/: editors complete keys and underline mistakes."""

from __future__ import annotations

import copy
from typing import Any

from ganpipe.config.configuration import Configuration
from ganpipe.config.overlay import NAME
from ganpipe.config.variant import Variant

Schema = dict[str, Any]
DRAFT = {"$schema": "https://json-schema.org/draft/2020-12/schema"}


def schemas() -> dict[str, Schema]:
    """JSON schemas (draft 2020-12) by the names of their files, every kind of every part included.

    `train` and the files of variants/ are partial variants: the same keys and types, none of them required.
    """
    whole, variant = Configuration.model_json_schema(), Variant.model_json_schema()
    # a variant may hold a variant (`stage1`), so it is among its own definitions
    definitions = {f"Partial{name}": _partial(value) for name, value in variant["$defs"].items()}
    partial = definitions["PartialVariant"]
    definitions["PartialOverlay"] = copy.deepcopy(partial)
    partial["properties"]["overrides"] = {
        "type": "object",
        "description": "Laid on top for images, for points or for one data set.",
        "additionalProperties": {"$ref": "#/$defs/PartialOverlay"},
    }
    variant_file = copy.deepcopy(partial)
    variant_file["properties"]["extends"] = {
        **_NAME,
        "description": "The other variant that this one is laid on, without its title.",
    }
    whole["$defs"] |= definitions
    whole["properties"]["train"] = {"$ref": "#/$defs/PartialVariant"}
    whole["properties"]["variants"] = {"type": "array", "minItems": 1, "uniqueItems": True, "items": _NAME}
    return {
        "params.json": {**whole, **DRAFT, "title": "params.yaml of ganpipe"},
        "variant.json": {**variant_file, **DRAFT, "title": "a variant of ganpipe", "$defs": definitions},
    }


_NAME = {"type": "string", "pattern": f"^{NAME.pattern}$"}


def _partial(value: Any) -> Any:
    """The schema without its required keys, referring to the partial definitions.

    A part without its `kind` may be any of the members, so a choice among them is open.
    """
    if isinstance(value, list):
        return [_partial(item) for item in value]
    if not isinstance(value, dict):
        return value
    out = {key: _partial(item) for key, item in value.items() if key != "required" or not isinstance(item, list)}
    if "oneOf" in out:
        out["anyOf"] = out.pop("oneOf")
    if isinstance(out.get("$ref"), str):
        out["$ref"] = out["$ref"].replace("#/$defs/", "#/$defs/Partial")
    return out
