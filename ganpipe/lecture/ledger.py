"""claims.yaml: the claims of the lectures, what tests each of them, and the trainings that this needs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, ValidationError

from ganpipe.config.configuration import Configuration
from ganpipe.config.evaluation import EvaluateParams
from ganpipe.config.overlay import NAME, Overlay, read_yaml
from ganpipe.config.variant import Variant
from ganpipe.lecture.rules import Condition, Rule
from ganpipe.parts import Frozen, Line, Seed
from ganpipe.utils.errors import UserError, format_value, join_key

FILE = "claims.yaml"
DataName = Literal["digits", "ring", "grid", "gaussian_1d"]
DATA = get_args(DataName)
"""The data sets of experiments: each has a stage in stages/lecture/dvc.yaml."""
PROBES = Path(__file__).parent / "probes"


class Claim(Frozen):
    """en, zh: the sentence in English and Chinese. source: files of the notes. rules: how it is judged.
    requires: without this it is not testable. remark, remark_zh: what a reader should know of the test. revised:
    whether the test was changed after a first result, which then counts for less."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
    chapter: str
    source: Line
    en: Line
    zh: Line
    rules: Annotated[tuple[Rule, ...], Field(strict=False, min_length=1)]
    requires: Annotated[tuple[Condition, ...], Field(strict=False)] = ()
    remark: Line | None = None
    remark_zh: Line | None = None
    revised: bool = False

    @property
    def names(self) -> list[str]:
        """The values that its rules and conditions read."""
        return [name for rule in self.rules for name in rule.names] + [one.value for one in self.requires]


class Chapter(Frozen):
    """A part of the lecture: its title and what leads into its claims, in English and Chinese."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
    en: Line
    zh: Line
    text_en: Line
    text_zh: Line


class Ledger(Frozen):
    """seeds: of each experiment. evaluate: what differs from `evaluate` of params.yaml, to take less time.

    probes, experiments: what runs, by name and by data set and name. settings: by data set and name, what an experiment
    changes of the variant of its name, or of the one named by `extends`.
    """

    seeds: Annotated[tuple[Seed, ...], Field(strict=False, min_length=2)]
    probes: Annotated[tuple[str, ...], Field(strict=False)]
    experiments: dict[DataName, Annotated[tuple[str, ...], Field(strict=False)]]
    settings: dict[str, dict[str, dict[str, Any]]]
    evaluate: dict[str, Any]
    chapters: Annotated[tuple[Chapter, ...], Field(strict=False, min_length=1)]
    claims: Annotated[tuple[Claim, ...], Field(strict=False, min_length=1)]

    def evaluation(self, configuration: Configuration) -> EvaluateParams:
        """How the experiments are evaluated. Raises UserError."""
        found = configuration.evaluate.model_dump() | self.evaluate
        try:
            params: EvaluateParams = EvaluateParams.model_validate(found)
        except ValidationError as error:
            first = error.errors()[0]
            place = join_key("evaluate", *first["loc"])
            raise UserError(f"{FILE}: {place} is {format_value(first['input'])}: {first['msg']}.") from None
        return params

    def experiment(self, configuration: Configuration, data: str, name: str) -> Variant:
        """The variant that an experiment trains. Raises UserError."""
        own: Overlay = dict(self.settings.get(data, {}).get(name, {}))
        base = own.pop("extends", name)
        place = f"{FILE}: {join_key('settings', data, name)}"
        if base not in configuration.variants:
            raise UserError(
                f"{place} is an experiment with {format_value(base)}, which is no variant: name one by `extends`."
            )
        overlay: Overlay = {"extends": {base: configuration.variants[base]}, **own}
        if "title" not in own:
            overlay["title"] = configuration.variants[base].get("title", base)
        dataset = configuration.datasets[data]
        try:
            found = configuration.model_copy(update={"variants": {name: overlay}}).variant(name, data)
        except UserError as error:
            raise UserError(f"{place} is illegal. {error}") from None
        if reason := found.incompatibility(dataset.shape):
            raise UserError(f"{place} does not fit the data: {reason}.")
        return found


def load(path: Path) -> Ledger:
    """Read and validate claims.yaml. Raises UserError with one sentence."""
    raw = read_yaml(path)
    try:
        ledger = Ledger.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        place = join_key(*first["loc"])
        raise UserError(f"{path.name}: {place} is {format_value(first['input'])}: {first['msg']}.") from None
    return _checked(ledger)


def _checked(ledger: Ledger) -> Ledger:
    """Every name that is used is there, and everything that runs is used. Raises UserError."""
    for index, probe in enumerate(ledger.probes):
        if not (PROBES / f"{probe}.py").is_file():
            raise UserError(
                f"{FILE}: probes.{index} is {format_value(probe)}, but there is no {PROBES.name}/{probe}.py."
            )
    known = {*ledger.probes} | {f"{data}.{name}" for data, names in ledger.experiments.items() for name in names}
    for data, names in ledger.experiments.items():
        for name in names:
            if not NAME.fullmatch(name):
                raise UserError(f"{FILE}: experiments.{data} holds {format_value(name)}, which is not a legal name.")
    for of, settings in ledger.settings.items():
        for name in settings:
            if f"{of}.{name}" not in known:
                raise UserError(f"{FILE}: settings.{of}.{name} is of no experiment: add it to experiments.{of}.")
    used = set()
    for claim in ledger.claims:
        if (claim.remark is None) != (claim.remark_zh is None):
            raise UserError(f"{FILE}: the remark on {claim.id} is in one language: add `remark` or `remark_zh`.")
        for value in claim.names:
            source = source_of(value)
            if source not in known:
                raise UserError(
                    f"{FILE}: {claim.id} reads {format_value(value)}, but nothing that runs is named {source}."
                )
            used.add(source)
    if unused := sorted(known - used):
        raise UserError(f"{FILE}: no claim reads {unused[0]}: remove it, or name it in a rule.")
    if missing := sorted({claim.chapter for claim in ledger.claims} - {chapter.id for chapter in ledger.chapters}):
        raise UserError(f"{FILE}: claims stand in the chapter {missing[0]}, which `chapters` lacks: add it there.")
    ids = [claim.id for claim in ledger.claims]
    if repeated := sorted({one for one in ids if ids.count(one) > 1}):
        raise UserError(f"{FILE}: two claims have the id {repeated[0]}: rename one.")
    return ledger


def source_of(value: str) -> str:
    """What makes a value: the probe, or the experiment as data.name."""
    head = value.split(".")
    return ".".join(head[:2]) if head[0] in DATA else head[0]
