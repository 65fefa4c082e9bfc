"""What stands at the top of a page: the result in a sentence, and each seed as a point."""

from __future__ import annotations

from collections.abc import Sequence

from ganpipe.report.charts import Chart, rounded
from ganpipe.report.comparison import Comparison
from ganpipe.report.evaluations import Weights
from ganpipe.report.read import Variant
from ganpipe.report.table import Cell, Column
from ganpipe.statistics import MIN_SEEDS


def zoo_headline(column: Column, found: Comparison) -> str:
    """Which variant does best, between which baselines, and how sure that is, in a sentence or two."""
    first = found.variants[0]
    if found.best is None:
        return f"No variant has a {column.label} of every seed: real data gets {column.real}, noise {column.noise}."
    mean = f"{first.mean.mean} ± {first.mean.half}" if first.mean.half else first.mean.mean
    sentence = f"{first.title} has the best {column.label} so far, {mean} over {found.seeds}"
    sentence += f"; real data gets {column.real}, noise {column.noise}."
    if found.refused:
        return f"{sentence} No rank is claimed: {found.seeds}, and a rank takes at least {MIN_SEEDS}."
    tied = [one.title for one in found.variants if one.conclusion == "not resolved"]
    names = " and ".join(tied) if len(tied) < 3 else f"{len(tied)} others"
    others = f"{names} cannot be told from it" if tied else "all others are worse"
    comparisons = f"{found.pairs} comparison{'s' * (found.pairs > 1)}"
    return f"{sentence} At 95 %, corrected for {comparisons}, {others}."


def scatter(table: Sequence[Column], variants: Sequence[Variant], weights: Weights) -> Chart | None:
    """Each seed by the two metrics behind the main one in the table: precision and recall for images."""
    if len(table) < 3:
        return None
    x, y = table[1], table[2]
    shown = [v for v in variants if {x.name, y.name} <= v.evaluation.metrics.keys()]
    if not shown:
        return None
    points = []
    for variant in shown:
        metrics = variant.evaluation.metrics
        pairs = zip(metrics[x.name].of(weights), metrics[y.name].of(weights), strict=True)
        values = zip(variant.evaluation.seeds, pairs, strict=False)  # no value where there are no averaged weights
        points += [{"name": variant.title, "seed": s, "x": rounded(a), "y": rounded(b)} for s, (a, b) in values]
    first = shown[0].evaluation.metrics
    for name, field in (("real data", "real_baseline"), ("noise", "noise_baseline")):
        at = [rounded(getattr(first[column.name], field)) for column in (x, y)]
        points.append({"name": name, "seed": "", "x": at[0], "y": at[1]})
    spec = {"x": x.label, "y": y.label, "points": [p for p in points if p["x"] is not None and p["y"] is not None]}
    return Chart(f"{x.label} against {y.label}", "", f"{x.label} against {y.label}, a point for each seed", spec)


def cost(table: Sequence[Column], variants: Sequence[Variant], weights: Weights) -> Chart | None:
    """Each seed by what a sample costs and the main metric; None where no time of a sample is known."""
    points = []
    for variant in variants if table else ():
        metric = variant.evaluation.metrics.get(table[0].name)
        values = dict(zip(variant.evaluation.seeds, metric.of(weights), strict=False)) if metric else {}
        points += [
            {"name": variant.title, "seed": run.seed, "x": x, "y": y}
            for run in variant.runs
            if (x := rounded(run.ms_per_sample)) and (y := rounded(values.get(run.seed))) is not None
        ]
    if not points:
        return None
    title = f"{table[0].label} against the cost of sampling"
    spec = {"x": "milliseconds a sample", "y": table[0].label, "points": points, "logX": True}
    return Chart(title, "", f"{title}, a point for each seed", spec)


def headline(variant: Variant, column: Column | None, made: Cell) -> str:
    """The main metric between its baselines, and whether any seed went wrong, in a sentence."""
    if column is None:
        return ""
    number_of = len(variant.evaluation.seeds)
    mean = f"{made.mean} ± {made.half}" if made.half else made.mean
    kinds = [status.kind.replace("_", " ") for status in variant.evaluation.statuses if status]
    wrong = ", ".join(f"{kinds.count(kind)} of {number_of} {kind}" for kind in dict.fromkeys(kinds))
    seeds = f"{number_of} seed{'s' * (number_of > 1)}"
    return (
        f"{column.label} {mean} over {seeds}; real data gets {column.real}, noise {column.noise}; "
        f"{wrong or ('no seed collapsed or diverged' if not variant.external else 'no seed collapsed')}."
    )
