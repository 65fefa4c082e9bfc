"""The whole of params.yaml: read, validated, and every mistake turned into one sentence."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, Field, ValidationError
from pydantic_core import ErrorDetails

from ganpipe.data import Dataset, named
from ganpipe.errors import BadInput, dotted, shown
from ganpipe.evaluation.parameters import EvaluateParams
from ganpipe.networks import form_of
from ganpipe.params import Choice, Frozen, Seed, part_class
from ganpipe.rows import Overlay, merged, read_yaml
from ganpipe.sources import data_root
from ganpipe.training.classifier import ClassifierParams
from ganpipe.variant import Runtime, Variant

# names reach a shell and are names of files
LONGEST_NAME = 60
NAME = re.compile(rf"[a-z][a-z0-9_]{{0,{LONGEST_NAME - 1}}}")
FORMS = ("images", "points")
# pydantic speaks of Python's types, params.yaml is YAML
WORDS = {
    r"^(Input|String|Tuple|Dictionary|Value) ": "",
    r"dictionary( or instance of \w+)?": "mapping of keys to values",
    "tuple": "list",
}


class DataSelection(Frozen):
    """kind: the chosen entry of `datasets`."""

    kind: str


class Configuration(Frozen):
    """params.yaml. `train` is what all rows share and each row of `variants` says only what differs.

    Both may hold `on: {images|points|<data set>: {...}}`, laid on top for such data. Order, later wins:
    train, train.on.<form>, train.on.<data set>, row, row.on.<form>, row.on.<data set>.
    """

    loss: str
    seeds: Annotated[tuple[Seed, ...], Field(strict=False, min_length=1)]
    runtime: Runtime
    data: DataSelection
    datasets: Annotated[dict[str, Annotated[Dataset, Choice("ganpipe.data")]], Field(min_length=1)]
    classifier: ClassifierParams
    train: Overlay
    evaluate: EvaluateParams
    variants: Annotated[dict[str, Overlay], Field(min_length=1)]

    @property
    def dataset(self) -> Dataset:
        """The chosen data set."""
        return self.datasets[self.data.kind]

    def merged(self, row: str, form: str, data: str) -> Overlay:
        """Everything that the row says for such data, unvalidated."""
        return merged(self.train, self.variants[row], form, data)

    def variant(self, row: str, data: str | None = None) -> Variant:
        """The row on a data set, by default the chosen one. Raises BadInput with one sentence where it is illegal."""
        name = data or self.data.kind
        return self._variant(row, form_of(self.datasets[name].shape), name)

    def _variant(self, row: str, form: str, data: str) -> Variant:
        merged = self.merged(row, form, data)
        row_layers = _layers(self.variants[row], f"variants.{row}", form, data)
        layers = [*row_layers, *_layers(self.train, "train", form, data)]
        try:
            variant = Variant.model_validate(merged)
        except ValidationError as error:
            first = error.errors()[0]
            # what is wrong in a mapping may be that a layer below has none there
            way = first["loc"] if first["type"] == "part_kind" else first["loc"][:-1]
            for layer, name in layers:
                _check_mappings(layer, merged, name, way)
            place = self._place(row, form, data, first["loc"], first["type"] == "missing")
            raise BadInput(_sentence(Variant, merged, first, place)) from None
        for layer, name in layers:
            _check_mappings(layer, merged, name)
        return variant

    def _place(self, row: str, form: str, data: str, loc: tuple[int | str, ...], missing: bool) -> str:
        """The key in params.yaml that put the value there, or the mapping around it where it is missing."""
        if missing:
            # the key itself may stand in a layer below, inside a part that another kind has replaced
            return dotted(self._place(row, form, data, loc[:-1], False) if loc[:-1] else f"variants.{row}", loc[-1])
        row_layers = list(_layers(self.variants[row], f"variants.{row}", form, data))
        shared = list(_layers(self.train, "train", form, data))
        places = [(layer, name, loc) for layer, name in (*row_layers, *shared)]
        if loc[0] == "first":  # a row of its own, laid on `train` in the same way
            firsts = [
                (layer["first"], f"{name}.first") for layer, name in row_layers if isinstance(layer.get("first"), dict)
            ]
            inside = [(*layer, loc[1:]) for first in firsts for layer in _layers(*first, form, data)]
            places = [*inside, *places, *((*layer, loc[1:]) for layer in shared)] if loc[1:] else places
        for layer, name, way in places:
            if _at(layer, way) is not _MISSING:
                return dotted(name, *way)
        return dotted(f"variants.{row}", *loc)


def _layers(source: Overlay, name: str, form: str, data: str) -> Iterator[tuple[Overlay, str]]:
    """What a row, or `train`, says of such data, and its place: what wins comes first."""
    on = source.get("on", {})
    yield from ((on[key], dotted(name, "on", key)) for key in (data, form) if key in on)
    yield source, name


def _check_mappings(layer: Overlay, merged: Overlay, place: str, way: tuple[int | str, ...] | None = None) -> None:
    """Refuse what is no mapping where another layer lays one on it, which hides it. Raises BadInput.

    way: looks there alone; without it everywhere, which is right where what is laid is legal.
    """
    for key, value in layer.items():
        laid = merged.get(key)
        if not isinstance(laid, dict) or (key == "first" and value is None) or (way is not None and way[:1] != (key,)):
            continue
        if not isinstance(value, dict):
            raise BadInput(f"{dotted(place, key)} is {shown(value)}: it should be a mapping of keys to values.")
        if value.get("kind", laid.get("kind")) == laid.get("kind"):  # another kind replaces it whole
            _check_mappings(value, laid, dotted(place, key), None if way is None else way[1:])


_MISSING = object()


def _at(value: Any, loc: tuple[int | str, ...]) -> Any:
    at: Any = value
    for key in loc:
        found = key in at if isinstance(at, dict) else isinstance(at, list) and key in range(len(at))
        if not found:
            return _MISSING
        at = at[key]
    return at


def _known_keys(model: type[BaseModel], raw: Any, loc: tuple[int | str, ...]) -> list[str]:
    """The keys that the model at this place has."""
    annotation: Any = model
    for key in loc:
        fields = getattr(annotation, "model_fields", None)
        if fields is not None:
            field = fields[key]
            annotation = Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
        else:
            annotation = get_args(annotation)[0 if isinstance(key, int) else -1]
        raw = raw[key]
        if get_origin(annotation) is Annotated:
            base, *metadata = get_args(annotation)
            choice = next((m for m in metadata if isinstance(m, Choice)), None)
            annotation = part_class(choice.package, raw["kind"]) if choice else base
        if type(None) in get_args(annotation):  # it may be null as well, and is not
            annotation = next(one for one in get_args(annotation) if one is not type(None))
    return list(getattr(annotation, "model_fields", {}))


def _sentence(model: type[BaseModel], raw: Any, error: ErrorDetails, place: str) -> str:
    """One sentence with key, value and remedy from one pydantic error."""
    kind, loc, value = error["type"], error["loc"], shown(error["input"])
    if kind == "missing" and isinstance(loc[-1], int):
        return f"{place.rpartition('.')[0]} is {value}: it lacks a value, add one."
    if kind == "missing":
        return f"params.yaml lacks the key {place}: add it."
    if kind == "extra_forbidden":
        known = _known_keys(model, raw, loc[:-1])
        near = difflib.get_close_matches(str(loc[-1]), known, n=1)
        hint = f"did you mean {near[0]}" if near else "remove it"
        return f"{place} is {value}, but no such key is known: {hint} (known: {', '.join(known)})."
    if kind in ("rule", "part_kind", "part_type"):
        return f"{place} is {value}: it {error['msg']}."
    if kind == "invalid_key" or loc[-1:] == ("[key]",):
        return f"{place.removesuffix('.[key]')} is a key that is not text: put it in quotes or remove it."
    message = error["msg"].removeprefix("Value error, ").replace(" after validation", "")
    for pattern, word in WORDS.items():
        message = re.sub(pattern, word, message)
    return f"{place} is {value}: it {message}."


def load(path: Path) -> Configuration:
    """Read params.yaml and validate its outer shape; rows are validated by `check` or one by one."""
    raw = read_yaml(path)
    try:
        configuration = Configuration.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        raise BadInput(_sentence(Configuration, raw, first, dotted(*first["loc"]))) from None
    return configuration


def check(configuration: Configuration) -> None:
    """Everything that can be wrong before anything runs. Raises BadInput with one sentence."""
    c = configuration
    for key, names in (("variants", c.variants), ("datasets", c.datasets)):
        for name in names:
            if not NAME.fullmatch(name):
                raise BadInput(
                    f"{dotted(key, name)} is not a legal name: use at most {LONGEST_NAME} lower-case letters, digits "
                    "and _, a letter first."
                )
            if key == "datasets" and name in FORMS:
                raise BadInput(f"datasets.{name} has the name of a form of data: choose another name.")
    if len(set(c.seeds)) < len(c.seeds):
        raise BadInput(f"seeds is {shown(c.seeds)}: each seed may stand there once, so remove the repeated one.")
    for key, value, known in (("loss", c.loss, c.variants), ("data.kind", c.data.kind, c.datasets)):
        if value not in known:
            near = difflib.get_close_matches(value, known, n=1)
            hint = f"did you mean {near[0]}? " if near else ""
            raise BadInput(
                f"{key} is {shown(value)}, which is not one of its choices: {hint}known: {', '.join(known)}."
            )
    for name, source in (("train", c.train), *((f"variants.{row}", c.variants[row]) for row in c.variants)):
        _check_layers(source, name, {*FORMS, *c.datasets})
    for row in c.variants:
        for form in FORMS:  # a mistake in what a row says for data that is not chosen is a mistake today
            for name in [name for name, dataset in c.datasets.items() if dataset.form == form] or [""]:
                c._variant(row, form, name)
    sentence = c.dataset.missing(data_root(path=Path()))
    if sentence:
        raise BadInput(named(sentence, c.dataset.kind, c.data.kind))
    classes = c.dataset.classes(data_root(path=Path())) if c.dataset.form == "images" else None
    if classes is not None and (sentence := c.evaluate.unfit(c.data.kind, classes)):
        raise BadInput(sentence)
    _check_counts(c)


def _check_counts(c: Configuration) -> None:
    """Refuse fewer samples than the metrics need, which would be found after all trainings. Raises BadInput."""
    name, form = c.data.kind, c.dataset.form
    c.evaluate.check_count(c.evaluate.cap, f"{form} by evaluate.cap", form)
    if (tested := c.dataset.tested()) is not None:
        c.evaluate.check_count(tested, f"test {form} of {name}", form)
    for row in c.variants:
        variant = c.variant(row)
        for way, count in ((("samples",), variant.samples), (("moments", "samples"), variant.moments.samples)):
            c.evaluate.check_count(count, f"generated {form} by {c._place(row, form, name, way, False)}", form)


def _check_layers(source: Overlay, name: str, legal: set[str]) -> None:
    """Refuse an `on` that is not one, here and in the row that `first` is. Raises BadInput."""
    on = source.get("on", {})
    if not isinstance(on, dict):
        raise BadInput(f"{name}.on is {shown(on)}: it should be a mapping of {', '.join(sorted(legal))} to settings.")
    for key, layer in on.items():
        if not isinstance(layer, dict):
            raise BadInput(f"{dotted(name, 'on', key)} is {shown(layer)}: it should be a mapping of keys to values.")
        if key not in legal:
            raise BadInput(
                f"{dotted(name, 'on', key)} is neither a form nor a data set: use one of {', '.join(sorted(legal))}."
            )
    for layer, place in ((source, name), *((on[key], f"{name}.on.{key}") for key in on)):
        if isinstance(layer.get("first"), dict):
            _check_layers(layer["first"], f"{place}.first", legal)
