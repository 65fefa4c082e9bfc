"""The evaluations of several data sets as scores: 1 is what real data gets, 0 what noise gets."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ganpipe.report.evaluations import WEIGHTS, Metric, Weights
from ganpipe.report.page import not_comparable
from ganpipe.report.read import Variant, read_evaluation
from ganpipe.statistics.seeds import finite
from ganpipe.utils.errors import UserError

MIN_DATA_SETS = MIN_VARIANTS = 2


@dataclass(frozen=True)
class DataSet:
    """metric: what the scores are made of, of the first variant. different: titles of variants that were evaluated in
    another way than the first."""

    name: str
    metric: Metric
    different: tuple[str, ...]


@dataclass(frozen=True)
class Scored:
    """One variant. scores: by weights, for each data set one a run. lost: runs without a finite value, by weights."""

    name: str
    title: str
    scores: Mapping[Weights, tuple[tuple[float, ...], ...]]
    lost: Mapping[Weights, int]


@dataclass(frozen=True)
class Scores:
    """left_out: why a variant is not compared, by title."""

    data: tuple[DataSet, ...]
    variants: tuple[Scored, ...]
    left_out: Mapping[str, str]

    @property
    def weights(self) -> tuple[Weights, ...]:
        """Those that every variant was evaluated with."""
        return tuple(of for of in WEIGHTS if all(runs for one in self.variants for runs in one.scores[of]))

    @property
    def seeds(self) -> list[int]:
        """Runs of each variant on each data set."""
        return [len(runs) for one in self.variants for runs in one.scores["raw"]]


def read(root: Path, data: Sequence[str], names: Sequence[str]) -> Scores:
    """The evaluations of these variants in `evals/`, as they stand there.

    Raises UserError where there are too few data sets, or variants that were evaluated on all of them.
    """
    if len(data) < MIN_DATA_SETS:
        raise UserError(f"{' '.join(data)} is one data set: name two or more to compare variants across them.")
    found = {of: _evaluated(root, of, names) for of in data}
    for of, variants in found.items():
        if not variants:
            raise UserError(f"evals/{of} has no variant of params.yaml: run `ganpipe sweep --data {of}` first.")
    left_out, shared = dict[str, str](), list[str]()
    for name in names:
        known = {of: variants[name] for of, variants in found.items() if name in variants}
        missing = [of for of in data if of not in known]
        refused = [of for of, variant in known.items() if variant.not_applicable]
        if known and missing:
            left_out[known[min(known)].title] = f"not evaluated on {', '.join(missing)}"
        elif refused:
            left_out[known[refused[0]].title] = f"makes no sense on {', '.join(refused)}"
        elif known:
            shared.append(name)
    if len(shared) < MIN_VARIANTS:
        less = "; ".join(f"{title}: {reason}" for title, reason in left_out.items())
        raise UserError(
            f"Fewer than two variants are evaluated on all of {', '.join(data)} ({less or 'there is one alone'}): "
            f"run `ganpipe sweep --data {','.join(data)}` for two or more."
        )
    compared = {of: [found[of][name] for name in shared] for of in data}
    chosen = {of: _main_metric(of, variants) for of, variants in compared.items()}
    scored = tuple(_scored([compared[of][i] for of in data], [chosen[of] for of in data]) for i in range(len(shared)))
    sets = [
        DataSet(of, variants[0].evaluation.metrics[chosen[of]], tuple(not_comparable(variants)))
        for of, variants in compared.items()
    ]
    return Scores(tuple(sets), scored, left_out)


def _evaluated(root: Path, data: str, names: Sequence[str]) -> dict[str, Variant]:
    evaluations = {n: read_evaluation(root, data, n) for n in names if (root / f"evals/{data}/{n}.json").is_file()}
    return {name: Variant(name, evaluation.title, evaluation, (), {}) for name, evaluation in evaluations.items()}


def _main_metric(data: str, variants: Sequence[Variant]) -> str:
    """The first of the main table in which real data is better than noise. Raises UserError where there is none."""
    for name in variants[0].evaluation.metrics:
        if all(_tells_noise(variant.evaluation.metrics.get(name)) for variant in variants):
            return name
    raise UserError(
        f"On {data} no metric of the main table tells real data from noise in all evaluations: leave {data} out, or "
        "evaluate with more samples."
    )


def _tells_noise(metric: Metric | None) -> bool:
    if metric is None or not metric.in_main_table:
        return False
    real, noise = metric.real_baseline, metric.noise_baseline
    if real is None or noise is None or not math.isfinite(real - noise):
        return False
    return real < noise if metric.better == "lower" else real > noise and metric.better == "higher"


def _scored(evaluated: Sequence[Variant], metrics: Sequence[str]) -> Scored:
    """One variant, its evaluations in the order of the data sets."""
    chosen = [variant.evaluation.metrics[name] for variant, name in zip(evaluated, metrics, strict=True)]
    return Scored(
        evaluated[0].name,
        evaluated[0].title,
        {of: tuple(scores(metric, of) for metric in chosen) for of in WEIGHTS},
        {of: sum(len(metric.of(of)) - len(finite(metric.of(of))) for metric in chosen) for of in WEIGHTS},
    )


def scores(metric: Metric, weights: Weights) -> tuple[float, ...]:
    """One a run: how far from the noise baseline, 0, to the real-data baseline, 1, and above 1 where it is better.

    What is worse than noise, or not finite, has the score of noise.
    """
    real, noise = metric.real_baseline, metric.noise_baseline
    assert real is not None
    assert noise is not None
    values = [finite([value]) or [noise] for value in metric.of(weights)]
    return tuple(max(0.0, (value - noise) / (real - noise)) for (value,) in values)
