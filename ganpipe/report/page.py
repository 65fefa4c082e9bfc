"""The two pages. Each is one HTML file that opens offline: pictures, styles and curves are inside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ganpipe.report.comparison import Comparison, comparison, plain
from ganpipe.report.curves import Panel, panel, panels
from ganpipe.report.pictures import Histogram, Picture, histogram, picture, progression
from ganpipe.report.read import Run, Variant, Zoo, read_zoo
from ganpipe.report.snapshots import curves, over_time
from ganpipe.report.table import NOTHING, Cell, Column, cell, columns, count, duration, number

PROTOCOL = {
    "generated": "generated samples",
    "real": "real samples",
    "class_samples": "samples for class shares",
    "neighbours": "neighbours k",
    "seed": "seed of the comparison",
}
"""Names that say more than the keys of a protocol."""


@dataclass(frozen=True)
class Sizes:
    """How large the pictures of a page are, in pixels, and how many steps its progression shows."""

    grid: int
    strip: int
    strips: int


ZOO = Sizes(grid=216, strip=160, strips=7)
SUMMARY = Sizes(grid=380, strip=250, strips=10)


@dataclass(frozen=True)
class Entry:
    """One variant as the templates show it."""

    variant: Variant
    cells: tuple[tuple[Cell, Cell], ...]
    critic_steps: str
    generator_steps: str
    seconds: Cell
    rate: Cell
    grids: tuple[Picture, ...]
    strip: tuple[Picture, ...]
    strip_seed: int | None
    thumbnail: Picture | None
    histograms: tuple[Histogram | None, Histogram | None]
    panels: tuple[Panel, ...]
    courses: tuple[tuple[Panel, ...], tuple[Panel, ...]]
    more: tuple[tuple[Cell, Cell], ...]
    verdicts: tuple[tuple[int, str, str], ...]
    parameters: tuple[tuple[str, str], ...]
    pretrain: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Surroundings:
    """Versions and device, and the trainings that ran there."""

    facts: tuple[tuple[str, str], ...]
    runs: tuple[str, ...]


def zoo_page(root: Path, spec: dict[str, Any]) -> str:
    """The page of all variants: the table of figures, then samples, classes and curves of each."""
    return _render("zoo.html.j2", read_zoo(root, spec), ZOO)


def summary_page(root: Path, spec: dict[str, Any], row: str) -> str:
    """The page of one variant, with more room for its pictures."""
    return _render("summary.html.j2", read_zoo(root, {**spec, "rows": [row], "loss": row}), SUMMARY)


def _render(template: str, zoo: Zoo, sizes: Sizes) -> str:
    shown = [variant for variant in zoo.variants if variant.not_applicable is None]
    table, more = (columns(shown, to_ceiling=sizes is SUMMARY, leading=leading) for leading in (True, False))
    protocols = [variant.evaluation.protocol for variant in shown]
    verdicts = [verdict for column in table for verdict in (column.verdict_raw, column.verdict_ema)]
    compared = _comparisons(table[0], shown) if table and sizes is ZOO else {}
    doubts = [verdict.said for verdict in verdicts if not verdict.resolved and verdict.said != NOTHING]
    return (
        _environment()
        .get_template(template)
        .render(
            zoo=zoo,
            entries=[_entry(variant, table, more, index, sizes) for index, variant in enumerate(shown)],
            refused=[variant for variant in zoo.variants if variant.not_applicable is not None],
            columns=table,
            more=more,
            moments=over_time(shown),
            comparisons=compared,
            comparison_data=plain(table[0], compared) if compared else None,
            unresolved=doubts[0] if doubts and not any(verdict.resolved for verdict in verdicts) else None,
            has_ema=any(cell.tooltip for column in table for cell in column.ema),
            protocol=list(_protocol(protocols[0])) if protocols else [],
            protocols_differ=any(protocol != protocols[0] for protocol in protocols),
            seeds=_steps(len(variant.evaluation.seeds) for variant in shown),
            accuracy=_percent(zoo.classifier.get("accuracy")),
            surroundings=_surroundings(shown),
        )
    )


def _comparisons(column: Column, variants: Sequence[Variant]) -> dict[str, Comparison]:
    """Of the main figure, which is the first: by the last weights, and by the averaged ones where there are any."""
    found = {weights: comparison(column, variants, weights) for weights in ("raw", "ema")}
    return {weights: of for weights, of in found.items() if of is not None}


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{100 * share:.2f} %"


def flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Every leaf of nested mappings and lists with its dotted name, as `dvc exp run -S` takes it."""
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from flat(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list) and any(isinstance(inner, Mapping | list) for inner in value):
        for index, inner in enumerate(value):
            yield from flat(inner, f"{name}.{index}")
    elif isinstance(value, list):
        yield name, ", ".join(_plain(inner) for inner in value) or "none"
    elif value != {} or name:
        yield name, _plain(value)


def _plain(value: Any) -> str:
    if value is None or value == {}:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _protocol(protocol: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in flat(protocol):
        yield PROTOCOL.get(name, name.replace("_", " ")), count(int(value)) if value.isdecimal() else value


def _entry(variant: Variant, table: Sequence[Column], more: Sequence[Column], index: int, sizes: Sizes) -> Entry:
    runs = variant.runs
    first = next((run for run in runs if run.grids), None)
    classes = variant.evaluation.classes
    last = [(run, run.grids[-1]) for run in runs if run.grids]
    return Entry(
        variant=variant,
        cells=tuple((column.raw[index], column.ema[index]) for column in table),
        critic_steps=_steps(_last_step(run) for run in runs),
        generator_steps=_steps(_generator_steps(run) for run in runs),
        seconds=_seconds(runs),
        rate=_clocked(runs, "steps_per_second"),
        grids=tuple(picture(grid, f"seed {run.seed}, step {count(grid.step)}", sizes.grid) for run, grid in last),
        strip=tuple(
            picture(grid, f"step {count(grid.step)}", sizes.strip)
            for grid in progression(first.grids if first else (), sizes.strips)
        ),
        strip_seed=first.seed if first else None,
        thumbnail=picture(last[0][1], variant.title, 160) if last else None,
        histograms=(histogram(classes, "raw"), histogram(classes, "ema")) if classes else (None, None),
        panels=tuple(panels(runs, variant.row)),
        courses=(_courses(variant, "raw"), _courses(variant, "ema")),
        more=tuple((column.raw[index], column.ema[index]) for column in more),
        verdicts=tuple(
            (seed, verdict.kind.replace("_", " "), verdict.reason)
            for seed, verdict in zip(variant.evaluation.seeds, variant.evaluation.verdicts, strict=False)
            if verdict
        ),
        parameters=tuple(flat(runs[0].parameters)) if runs else (),
        pretrain=tuple(flat(variant.pretrain)),
    )


def _courses(variant: Variant, weights: str) -> tuple[Panel, ...]:
    """Each quick figure over the moments of the training."""
    found = curves(variant, weights)
    return tuple(
        panel(label, seeds, f"{variant.row}/{weights}/{label}") for label, seeds in found if any(s.steps for s in seeds)
    )


def _last_step(run: Run) -> int | None:
    return max((series.steps[-1] for series in run.history.values()), default=None)


def _generator_steps(run: Run) -> int | None:
    """A procedure with `critic_steps` updates the generator after each so many updates of the critic."""
    steps, procedure = _last_step(run), run.parameters.get("procedure")
    every = procedure.get("critic_steps") if isinstance(procedure, Mapping) else None
    return steps // every if steps is not None and isinstance(every, int) and every > 0 else None


def _steps(counts: Iterable[int | None]) -> str:
    """The number of steps where the seeds agree, as they should, else from which to which."""
    known = sorted({value for value in counts if value is not None})
    return " to ".join(count(value) for value in dict.fromkeys((known[0], known[-1]))) if known else ""


def _clocked(runs: Sequence[Run], name: str) -> Cell:
    known = [(getattr(run.clock, name), run.seed) for run in runs if getattr(run.clock, name) is not None]
    return cell([value for value, _ in known], [seed for _, seed in known])


def _seconds(runs: Sequence[Run]) -> Cell:
    mean = _clocked(runs, "seconds")
    if mean.value is None:
        return mean
    return replace(mean, mean=duration(mean.value), tooltip=f"seconds: {mean.tooltip}")


def _surroundings(variants: Sequence[Variant]) -> list[Surroundings]:
    """The different environments of all trainings, the most frequent one first."""
    found: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for variant in variants:
        for run in variant.runs:
            facts = (*flat(run.device, "device"), *flat(run.runtime, "runtime"), *flat(run.versions))
            found.setdefault(facts, []).append(f"{variant.row}/{run.seed}")
    ordered = sorted(found.items(), key=lambda item: -len(item[1]))
    return [Surroundings(facts, tuple(runs)) for facts, runs in ordered]


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("ganpipe.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["drawn"] = _drawn
    environment.filters["number"] = number
    return environment


def _drawn(panel: Panel) -> Markup:
    """The one thing that templates take as it is: the SVG of `curves`, whose text matplotlib has escaped."""
    return Markup(panel.svg)
