"""The whole of params.yaml and variants/: read, validated, and every mistake turned into one sentence."""

from __future__ import annotations

import copy
import difflib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails

from ganpipe.config.classifier import ClassifierSettings
from ganpipe.config.evaluation import EvaluateParams
from ganpipe.config.overlay import (
    FOLDER,
    LEGAL_NAME,
    NAME,
    PARAMS,
    Overlay,
    Place,
    file_of,
    layers,
    merged,
    read_project,
)
from ganpipe.config.tuning import Tuning
from ganpipe.config.variant import Runtime, Variant
from ganpipe.data import Dataset, data_root, with_entry_name
from ganpipe.networks import form_of
from ganpipe.parts import Choice, Frozen, Samples, Seed
from ganpipe.utils.errors import UserError, format_value, join_key

DATA_FORMS = ("images", "points")
# pydantic's messages name Python's types, params.yaml is YAML
WORDS = {
    r"^(Input|String|Tuple|Dictionary|Value) ": "",
    r"dictionary( or instance of \w+)?": "mapping of keys to values",
    "tuple": "list",
}
NO_MAPPING = "it should be a mapping of keys to values"
Loc = tuple[int | str, ...]


class DataSelection(Frozen):
    """kind: the chosen entry of `datasets`. limit: how many of its training samples are trained on; null: all."""

    kind: str
    limit: Samples | None


class Configuration(Frozen):
    """params.yaml with the files of variants/. `train` is what all variants share, a variant holds only what differs.

    Both may hold `overrides: {images|points|<data set>: {...}}`, laid on top for such data, and a variant may extend
    another one. Order, later wins: train, train.overrides.<images or points>, train.overrides.<data set>, the same
    three of the variant that is extended, and then its own.
    """

    loss: str
    seeds: Annotated[tuple[Seed, ...], Field(strict=False, min_length=1)]
    runtime: Runtime
    data: DataSelection
    datasets: Annotated[dict[str, Annotated[Dataset, Choice("ganpipe.data")]], Field(min_length=1)]
    classifier: ClassifierSettings
    train: Overlay
    evaluate: EvaluateParams
    lecture: Annotated[tuple[Literal["claims"], ...], Field(strict=False, max_length=1)]
    tune: Tuning
    variants: Annotated[dict[str, Overlay], Field(min_length=1)]

    @property
    def dataset(self) -> Dataset:
        """The chosen data set."""
        return self.datasets[self.data.kind]

    def num_classes(self) -> int | None:
        """Of the chosen data set; None for points, and where files are missing or only `load` can tell."""
        root = data_root(Path())
        return None if self.dataset.form == "points" or self.dataset.missing_files(root) else self.dataset.classes(root)

    def variant(self, name: str, data: str | None = None) -> Variant:
        """The variant on a data set, by default the chosen one. Raises UserError where it is illegal."""
        data = data or self.data.kind
        return self._variant(name, form_of(self.datasets[data].shape), data)

    def tuned(self, name: str, data: str) -> Variant:
        """The variant with `tune.settings`. Raises UserError where it is illegal."""
        base = self.variants[name]
        _check_overrides(self.tune.settings, Place(PARAMS, ("tune", "settings")), {*DATA_FORMS, *self.datasets})
        overlay = {"extends": {name: base}, "title": base.get("title", name), **copy.deepcopy(self.tune.settings)}
        try:
            return self.model_copy(update={"variants": {name: overlay}}).variant(name, data)
        except UserError as error:
            reason = str(error).removeprefix(f"{file_of(name)}: ")
            raise UserError(f"tune.settings is illegal for {name}: {reason}") from None

    def _variant(self, variant: str, data_form: str, data: str) -> Variant:
        settings = merged(self.train, self.variants[variant], data_form, data)
        try:
            return Variant.model_validate(settings)
        except ValidationError as error:
            first = error.errors()[0]
            missing = first["type"] == "missing"
            loc = first["loc"][:-1] if missing else first["loc"]
            mapping = loc if missing or (first["type"] == "part_kind" and loc[-1] != "kind") else loc[:-1]
            replaced = isinstance(_value_at(settings, mapping), dict)
            for place, value in self._places(variant, data_form, data, mapping) if replaced else ():
                # a later layer has replaced it by a mapping that is not complete
                if not isinstance(value, dict) and not _may_stand(value, settings, mapping):
                    raise UserError(f"{place} is {format_value(value)}: {NO_MAPPING}.") from None
            place = self._place(variant, data_form, data, loc)
            raise UserError(_sentence(first, place.inside(first["loc"][-1]) if missing else place)) from None

    def _place(self, variant: str, data_form: str, data: str, loc: Loc) -> Place:
        """The key that holds the variant's setting at `loc` on such data."""
        default = Place(file_of(variant)).inside(*loc)
        return next((place for place, _ in self._places(variant, data_form, data, loc)), default)

    def _places(self, variant: str, data_form: str, data: str, loc: Loc) -> Iterator[tuple[Place, Any]]:
        """Every key that holds something for `loc`, with its value; the one that wins comes first."""
        own = list(layers(self.variants[variant], Place(file_of(variant)), data_form, data))[::-1]
        shared = list(layers(self.train, Place(PARAMS, ("train",)), data_form, data))[::-1]
        found = [(place, layer, loc) for place, layer in (*own, *shared)] if loc else []
        if loc[:1] == ("stage1",) and len(loc) > 1:  # a variant as well, laid on `train` in the same way
            stage1s = [
                (layer["stage1"], place.inside("stage1"))
                for place, layer in own
                if isinstance(layer.get("stage1"), dict)
            ]
            inner = [layer for stage1 in stage1s for layer in list(layers(*stage1, data_form, data))[::-1]]
            found = [(place, layer, loc[1:]) for place, layer in (*inner, *shared)]
        for place, layer, key_path in found:
            if (value := _value_at(layer, key_path)) is not _MISSING:
                yield place.inside(*key_path), value


_MISSING = object()


def _value_at(value: Any, loc: Loc) -> Any:
    """What nested mappings and lists hold at `loc`, or _MISSING."""
    for key in loc:
        found = key in value if isinstance(value, dict) else isinstance(value, list) and key in range(len(value))
        if not found:
            return _MISSING
        value = value[key]
    return value


def _may_stand(value: Any, settings: Overlay, loc: Loc) -> bool:
    """Whether a variant may hold this at `loc`: a number where there is a schedule, say, or no `stage1`."""
    changed = copy.deepcopy(settings)
    _value_at(changed, loc[:-1])[loc[-1]] = value
    try:
        Variant.model_validate(changed)
    except ValidationError as error:
        return all(other["loc"][: len(loc)] != loc for other in error.errors())
    return True


def _sentence(error: ErrorDetails, place: Place) -> str:
    """One sentence with key, value and remedy from one pydantic error."""
    kind, last, value = error["type"], error["loc"][-1], format_value(error["input"])
    if kind == "missing" and isinstance(last, int):
        return f"{Place(place.file, place.key_path[:-1])} is {value}: it lacks a value, add one."
    if kind == "missing":
        return f"{place.file} lacks the key {join_key(*place.key_path)}: add it."
    if kind == "unknown_key":
        return f"{place} is {value}, but {error['msg']}."
    if kind in ("rule", "part_kind", "part_type"):
        return f"{place} is {value}: it {error['msg']}."
    if kind == "invalid_key" or last == "[key]":
        return f"{str(place).removesuffix('.[key]')} is a key that is not text: put it in quotes or remove it."
    message = error["msg"].removeprefix("Value error, ").replace(" after validation", "")
    for pattern, word in WORDS.items():
        message = re.sub(pattern, word, message)
    if kind == "string_type" and isinstance(error["input"], (bool, int, float)):
        message += ", so put it in quotes if it is text"  # YAML's true, 1e3
    return f"{place} is {value}: it {message}."


def load(path: Path) -> Configuration:
    """Read params.yaml and variants/ beside it, and validate all but the variants, which `check` and `variant` do."""
    raw = read_project(path)
    try:
        return Configuration.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        loc = first["loc"]
        place = Place(file_of(str(loc[1])), loc[2:]) if loc[0] == "variants" and len(loc) > 2 else Place(PARAMS, loc)
        raise UserError(_sentence(first, place)) from None


def check(configuration: Configuration) -> None:
    """Everything that can be wrong before anything runs. Raises UserError with one sentence."""
    c = configuration
    for name in c.datasets:
        if not NAME.fullmatch(name):
            raise UserError(f"{join_key('datasets', name)} is not a legal name: {LEGAL_NAME}.")
        if name in DATA_FORMS:
            raise UserError(f"datasets.{name} is the name of a kind of samples: choose another name.")
    if len(set(c.seeds)) < len(c.seeds):
        raise UserError(
            f"seeds is {format_value(c.seeds)}: each seed may stand there once, so remove the repeated one."
        )
    for key, value, choices in (("loss", c.loss, c.variants), ("data.kind", c.data.kind, c.datasets)):
        if value not in choices:
            near = difflib.get_close_matches(value, choices, n=1)
            hint = f"did you mean {near[0]}? " if near else ""
            raise UserError(
                f"{key} is {format_value(value)}, which is not one of its choices: {hint}known: {', '.join(choices)}."
            )
    _check_overrides(c.train, Place(PARAMS, ("train",)), {*DATA_FORMS, *c.datasets})
    for variant, source in c.variants.items():
        _check_overrides(source, Place(file_of(variant)), {*DATA_FORMS, *c.datasets})
    for variant, source in c.variants.items():
        seen = set[str]()  # most data sets have the settings of another one; as text, in which 1 is not true
        for data_form in DATA_FORMS:  # a mistake in the settings for data that is not chosen is a mistake as well
            for data in [name for name, dataset in c.datasets.items() if dataset.form == data_form] or [""]:
                settings = repr(merged(c.train, source, data_form, data))
                if settings not in seen:
                    c._variant(variant, data_form, data)
                    seen.add(settings)
    for name in c.tune.variants if c.tune.settings else ():
        if name in c.variants:  # else it is refused as soon as there is `tune.data`
            c.tuned(name, c.data.kind)
    _check_data(c)


def _check_data(c: Configuration) -> None:
    """Refuse data that is missing, or has fewer samples or classes than the metrics need. Raises UserError."""
    dataset, name, data_form = c.dataset, c.data.kind, c.dataset.form
    if sentence := dataset.missing_files(data_root(Path())):
        raise UserError(with_entry_name(sentence, dataset.kind, name))
    classes = c.num_classes()
    if classes is not None and (sentence := c.evaluate.incompatibility(name, classes)):
        raise UserError(sentence)
    selected = c.variant(c.loss)
    if selected.algorithm.takes_labels and (reason := selected.incompatibility(dataset.shape, classes)):
        raise UserError(f"loss is {c.loss!r}, which makes no sense with data.kind {name!r}: {reason}.")
    c.evaluate.check_count(c.evaluate.max_samples, f"{data_form} by evaluate.max_samples", data_form)
    if (test_size := dataset.test_size()) is not None:
        c.evaluate.check_count(test_size, f"test {data_form} of {name}", data_form)
    for variant_name in c.variants:
        variant = c.variant(variant_name)
        for key_path, count in (
            (("num_samples",), variant.num_samples),
            (("snapshots", "num_samples"), variant.snapshots.num_samples),
        ):
            place = c._place(variant_name, data_form, name, key_path)
            c.evaluate.check_count(count, f"generated {data_form} by {place}", data_form)


def _check_overrides(source: Overlay, place: Place, legal: set[str]) -> None:
    """Refuse illegal `overrides`, here, in the variant that is extended and in `stage1`. Raises UserError."""
    if place.key_path and "extends" in source:
        sentence = f"only a file in {FOLDER}/ extends another one, so remove it"
        raise UserError(f"{place.inside('extends')} is {format_value(source['extends'])}: {sentence}.")
    overrides, inside = source.get("overrides", {}), place.inside("overrides")
    if not isinstance(overrides, dict):
        sentence = f"it should be a mapping of {', '.join(sorted(legal))} to settings"
        raise UserError(f"{inside} is {format_value(overrides)}: {sentence}.")
    for key, layer in overrides.items():
        if not isinstance(layer, dict):
            raise UserError(f"{inside.inside(key)} is {format_value(layer)}: {NO_MAPPING}.")
        if key not in legal:
            sentence = f"is neither images, points nor a data set: use one of {', '.join(sorted(legal))}"
            raise UserError(f"{inside.inside(key)} {sentence}.")
    for name, base in source.get("extends", {}).items():
        _check_overrides(base, Place(file_of(name)), legal)
    for layer, found in ((source, place), *((overrides[key], inside.inside(key)) for key in overrides)):
        if isinstance(layer.get("stage1"), dict):
            _check_overrides(layer["stage1"], found.inside("stage1"), legal)
