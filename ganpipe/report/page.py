"""The two pages. Each is one HTML file that opens offline: pictures, styles and charts are inside."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ganpipe.report.charts import Chart, learning_curves, over_steps
from ganpipe.report.comparison import as_json, comparison
from ganpipe.report.evaluations import WEIGHTS, Weights
from ganpipe.report.external import read_external, read_externals
from ganpipe.report.formats import NOTHING, count, duration, extent, number, p_value, signed
from ganpipe.report.overview import cost, headline, scatter, zoo_headline
from ganpipe.report.pictures import Histogram, Picture, film, histogram, picture, picture_of, progression, thumbnail
from ganpipe.report.read import Grid, Run, Variant, Zoo, read_classifier, read_zoo
from ganpipe.report.snapshots import chart, curves, over_time
from ganpipe.report.table import Cell, Column, cell, columns
from ganpipe.statistics import summary


@dataclass(frozen=True)
class Sizes:
    """How large the pictures of a page are, in pixels, how many steps its progression shows, and whether it moves."""

    grid: int
    strip: int
    strips: int
    film: bool


LOW_ACCURACY = 0.6
"""Of the classifier: below it the pages say that its features are not to be trusted."""

ZOO = Sizes(grid=216, strip=0, strips=0, film=False)
SUMMARY = Sizes(grid=380, strip=160, strips=10, film=True)


@dataclass(frozen=True)
class Entry:
    """One variant as the templates show it. cells, more: of each column of the two tables of metrics, by weights.

    critic_steps: all updates, where the algorithm counts those of the generator apart; else all steps. curves: of the
    history. courses: metrics over the snapshots. nearest: samples above the training images nearest to them. headline:
    the result in a sentence. page: whether the variant has a page of its own beside this one.
    """

    variant: Variant
    cells: tuple[dict[Weights, Cell], ...]
    more: tuple[dict[Weights, Cell], ...]
    critic_steps: str
    generator_steps: str
    seconds: Cell
    rate: Cell
    sampling: Cell
    evaluations: str
    grids: tuple[Picture, ...]
    strip: tuple[Picture, ...]
    film: Picture | None
    strip_seed: int | None
    thumbnail: Picture | None
    histograms: dict[Weights, Histogram | None]
    curves: tuple[Chart, ...]
    courses: dict[Weights, tuple[Chart, ...]]
    nearest: Picture | None
    headline: dict[Weights, str]
    page: bool
    statuses: tuple[tuple[int, str, str], ...]
    parameters: tuple[tuple[str, str], ...]
    pretrain: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Platform:
    """Versions and device, and the trainings that ran with them."""

    facts: tuple[tuple[str, str], ...]
    runs: tuple[str, ...]


def zoo_page(root: Path, spec: dict[str, Any]) -> str:
    """The page of all variants: the table of metrics, then samples, classes and curves of each.

    The rows of other programs stand behind the variants.
    """
    zoo = read_zoo(root, spec)
    zoo = replace(zoo, variants=zoo.variants + read_externals(root, zoo.data))
    return _render("zoo.html.j2", root, zoo, ZOO)


def summary_page(root: Path, spec: dict[str, Any], name: str) -> str:
    """The page of one variant, with more room for its pictures."""
    return _render("summary.html.j2", root, read_zoo(root, {**spec, "variants": [name], "loss": name}), SUMMARY)


def external_page(root: Path, data: str, name: str) -> str:
    """The page of one row of another program."""
    variant = read_external(root, data, name)
    zoo = Zoo(data, None, variant.evaluation.seeds, (variant,), read_classifier(root, data))
    return _render("summary.html.j2", root, zoo, SUMMARY)


def _render(template: str, root: Path, zoo: Zoo, sizes: Sizes) -> str:
    shown = _by_main_metric([variant for variant in zoo.variants if variant.not_applicable is None])
    real = root / "reference_stats" / zoo.data / "real.png"
    table, more = (columns(shown, to_noise=sizes is SUMMARY, leading=leading) for leading in (True, False))
    protocols = [variant.evaluation.protocol for variant in shown]
    leaders = [leader for column in table for leader in column.leaders.values()]
    reasons = [leader.text for leader in leaders if not leader.resolved and leader.text != NOTHING]
    # by the main metric, which is the first
    found = {w: comparison(table[0], shown, w) for w in WEIGHTS} if table and sizes is ZOO else {}
    compared = {weights: of for weights, of in found.items() if of is not None}
    # another program's samples are shown beside those of either weights
    snapshots = over_time(shown) if sizes is ZOO else None
    has_ema = any(m.ema for v in shown if not v.external for m in v.evaluation.metrics.values() if m.in_main_table)
    accuracy = zoo.classifier.get("accuracy")
    return (
        _environment()
        .get_template(template)
        .render(
            zoo=zoo,
            entries=[_entry(variant, table, more, index, sizes, root) for index, variant in enumerate(shown)],
            real=_picture(Grid(0, real), "real data", sizes) if real.is_file() else None,
            refused=[variant for variant in zoo.variants if variant.not_applicable is not None],
            columns=table,
            more=more,
            snapshots=snapshots,
            over_time={weights: chart(snapshots, weights) for weights in WEIGHTS} if snapshots else {},
            scatter={weights: scatter(table, shown, weights) for weights in WEIGHTS} if sizes is ZOO else {},
            cost={weights: cost(table, shown, weights) for weights in WEIGHTS} if sizes is ZOO else {},
            comparisons=compared,
            headlines={weights: zoo_headline(table[0], found) for weights, found in compared.items()},
            comparison_data=as_json(table[0], compared) if compared else None,
            unresolved=reasons[0] if reasons and not any(leader.resolved for leader in leaders) else None,
            weights_shown=WEIGHTS if has_ema else WEIGHTS[:1],
            protocol=_protocol(protocols[0]) if protocols else [],
            different=not_comparable(shown),
            seeds=extent([len(variant.evaluation.seeds) for variant in shown]),
            accuracy=None if accuracy is None else f"{100 * accuracy:.2f} %",
            inaccurate=accuracy is not None and accuracy < LOW_ACCURACY,
            platforms=_platforms(shown),
        )
    )


def _by_main_metric(variants: Sequence[Variant]) -> list[Variant]:
    """The best mean of the last weights first, variants without one last."""

    def badness(variant: Variant) -> float:
        metric = next((m for m in variant.evaluation.metrics.values() if m.in_main_table), None)
        mean = summary(metric.raw) if metric and metric.better else None
        if metric is None or mean is None or mean.mean is None or mean.lost:
            return math.inf
        return mean.mean if metric.better == "lower" else -mean.mean

    return sorted(variants, key=badness)


def _picture(grid: Grid, caption: str, sizes: Sizes) -> Picture:
    return thumbnail(grid, caption, sizes.grid) if sizes is ZOO else picture(grid, caption, sizes.grid)


def not_comparable(variants: Sequence[Variant]) -> list[str]:
    """Titles of those that were evaluated in another way than the first, or against other real data or features."""

    def conditions(variant: Variant) -> tuple[dict[str, Any], dict[str, Any]]:
        # only the pictures of the classes are of all samples
        protocol = {name: value for name, value in variant.evaluation.protocol.items() if name != "class_samples"}
        return protocol, {name: metric.real_baseline for name, metric in variant.evaluation.metrics.items()}

    return [variant.title for variant in variants if conditions(variant) != conditions(variants[0])]


def flatten(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Every leaf of nested mappings and lists with its dotted name, as `dvc exp run -S` takes it."""
    if isinstance(value, list) and any(isinstance(inner, Mapping | list) for inner in value):
        value = dict(enumerate(value))
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from flatten(inner, f"{name}.{key}" if name else str(key))
    elif value != {} or name:
        yield name, ", ".join(map(_format_value, value)) or "none" if isinstance(value, list) else _format_value(value)


def _protocol(protocol: Mapping[str, Any]) -> list[tuple[str, str]]:
    pairs = ((name.replace("_", " "), value) for name, value in flatten(protocol))
    return [(name, count(int(value)) if value.isdecimal() else value) for name, value in pairs]


def _format_value(value: Any) -> str:
    if value is None or value == {}:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _entry(
    variant: Variant, table: Sequence[Column], more: Sequence[Column], index: int, sizes: Sizes, root: Path
) -> Entry:
    runs, evaluation = variant.runs, variant.evaluation
    seconds = _over_seeds(runs, "seconds")
    last = [(run, run.grids[-1]) for run in runs if run.grids]
    first = last[0][0] if last else None
    shown = progression(first.grids if first and sizes.strips else (), sizes.strips)
    return Entry(
        variant=variant,
        cells=tuple({weights: column.cells[weights][index] for weights in WEIGHTS} for column in table),
        more=tuple({weights: column.cells[weights][index] for weights in WEIGHTS} for column in more),
        critic_steps=_extent_of_known(_last_step(run) for run in runs),
        generator_steps=_extent_of_known(_generator_steps(run) for run in runs),
        seconds=seconds if seconds.value is None else replace(seconds, mean=duration(seconds.value)),
        rate=_over_seeds(runs, "steps_per_second"),
        sampling=_over_seeds(runs, "ms_per_sample"),
        evaluations=_extent_of_known(run.evaluations_per_sample for run in runs),
        grids=tuple(picture(grid, _caption(variant, run, grid), sizes.grid) for run, grid in last if sizes is SUMMARY),
        strip=tuple(picture(grid, f"step {count(grid.step)}", sizes.strip) for grid in shown),
        film=film(shown, "all of these steps in turn", sizes.grid) if sizes.film and len(shown) > 1 else None,
        strip_seed=first.seed if first else None,
        thumbnail=thumbnail(last[0][1], variant.title, sizes.grid) if last else None,
        histograms={weights: histogram(evaluation.classes, weights) for weights in WEIGHTS},
        curves=tuple(learning_curves(runs)) if sizes is SUMMARY else (),
        courses={weights: _courses(variant, weights) if sizes is SUMMARY else () for weights in WEIGHTS},
        nearest=_nearest(variant) if sizes is SUMMARY else None,
        headline={w: headline(variant, table[0] if table else None, table[0].cells[w][index]) for w in WEIGHTS}
        if table
        else dict.fromkeys(WEIGHTS, ""),
        page=(root / "reports" / variant.evaluation.data / f"{variant.name}.html").is_file(),
        statuses=tuple(
            (seed, status.kind.replace("_", " "), status.reason)
            for seed, status in zip(evaluation.seeds, evaluation.statuses, strict=False)
            if status
        ),
        parameters=tuple(flatten(runs[0].parameters)) if runs else (),
        pretrain=tuple(flatten(variant.pretrain)),
    )


def _caption(variant: Variant, run: Run, grid: Grid) -> str:
    return f"seed {run.seed}" + ("" if variant.external else f", step {count(grid.step)}")


def _nearest(variant: Variant) -> Picture | None:
    png = variant.evaluation.nearest
    if png is None:
        return None
    return picture_of(
        base64.b64decode(png), "above: samples; below: the training image nearest to each", 900, "nearest"
    )


def _courses(variant: Variant, weights: Weights) -> tuple[Chart, ...]:
    """Each metric over the snapshots of the training."""
    found = {label: seeds for label, seeds in curves(variant, weights).items() if any(seed.steps for seed in seeds)}
    names = [f"seed {seed}" for seed in variant.evaluation.seeds]
    return tuple(
        over_steps(label, dict(zip(names, seeds, strict=True)), len(seeds) > 1) for label, seeds in found.items()
    )


def _last_step(run: Run) -> int | None:
    return max((series.steps[-1] for series in run.history.values()), default=None)


def _generator_steps(run: Run) -> int | None:
    """An algorithm with `critic_steps` updates the generator after each so many updates of the critic."""
    steps, algorithm = _last_step(run), run.parameters.get("algorithm")
    every = algorithm.get("critic_steps") if isinstance(algorithm, Mapping) else None
    return steps // every if steps is not None and isinstance(every, int) and every > 0 else None


def _extent_of_known(values: Iterable[int | None]) -> str:
    return extent([value for value in values if value is not None])


def _over_seeds(runs: Sequence[Run], name: str) -> Cell:
    measured = [(getattr(run, name), run.seed) for run in runs if getattr(run, name) is not None]
    return cell([value for value, _ in measured], [seed for _, seed in measured])


def _platforms(variants: Sequence[Variant]) -> list[Platform]:
    """The different environments of all trainings, the most frequent one first."""
    found: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for variant in variants:
        for run in () if variant.external else variant.runs:
            facts = (*flatten(run.device, "device"), *flatten(run.runtime, "runtime"), *flatten(run.versions))
            found.setdefault(facts, []).append(f"{variant.name}/{run.seed}")
    return [Platform(facts, tuple(runs)) for facts, runs in sorted(found.items(), key=lambda item: -len(item[1]))]


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("ganpipe.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "signed": signed, "p_value": p_value}
    environment.globals["vendored"] = _vendored
    return environment


def _vendored(name: str) -> Markup:
    """A library's minified script, as it is: see `vendor/` for their licences."""
    return Markup(files("ganpipe.report").joinpath("vendor", f"{name}.min.js").read_text(encoding="utf-8"))
