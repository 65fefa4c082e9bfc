"""What the scores say of each variant, and of all of them together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ganpipe.across.scores import Scored, Scores
from ganpipe.report.evaluations import Weights
from ganpipe.statistics.across import (
    MIN_VARIANTS,
    Estimate,
    MeanRanks,
    Profile,
    data_sets_needed,
    interquartile_mean,
    mean_ranks,
    performance_profile,
    probability_of_improvement,
)
from ganpipe.statistics.ranking import MIN_SEEDS

THRESHOLDS = 201
MOST_PROFILES = 8
"""More curves with bands cannot be told apart."""
LOWEST = 0.05
"""The share of all runs that may lie below the thresholds of the profiles: a lost one is far from the others."""


@dataclass(frozen=True)
class Row:
    """One variant. worse: how probable it is that the best one is better than it on a data set, None for the best.

    means: the mean score on each data set.
    """

    variant: Scored
    iqm: Estimate
    worse: Estimate | None
    means: tuple[float, ...]

    @property
    def tied(self) -> bool:
        """Whether it may be as good as the best: even chances lie in the interval."""
        return self.worse is not None and self.worse.low is not None and self.worse.low <= 0.5


@dataclass(frozen=True)
class Comparison:
    """rows: the highest interquartile mean first. profiles: of the first MOST_PROFILES rows.

    ranks: of the rows, by their means on the data sets; None where there is no test, for the reason `no_ranks`.
    ordered: whether there are seeds enough to say which is best.
    """

    rows: tuple[Row, ...]
    profiles: tuple[Profile, ...]
    ranks: MeanRanks | None
    no_ranks: str
    ordered: bool

    @property
    def tied(self) -> list[str]:
        """Titles of the variants that may be as good as the best."""
        return [row.variant.title for row in self.rows if row.tied]


def compare(found: Scores, weights: Weights) -> Comparison:
    """The variants by their scores with these weights."""
    estimates = {one.name: interquartile_mean(one.scores[weights]) for one in found.variants}
    ordered = sorted(found.variants, key=lambda one: -estimates[one.name].value)
    best = ordered[0].scores[weights]
    rows = tuple(
        Row(
            one,
            estimates[one.name],
            None if one is ordered[0] else probability_of_improvement(best, one.scores[weights]),
            tuple(float(np.mean(runs)) for runs in one.scores[weights]),
        )
        for one in ordered
    )
    no_ranks = _no_ranks(len(rows), len(found.data))
    ranks = None if no_ranks else mean_ranks([row.means for row in rows])
    profiles = _profiles([one.scores[weights] for one in ordered[:MOST_PROFILES]])
    return Comparison(rows, profiles, ranks, no_ranks, min(found.seeds) >= MIN_SEEDS)


def _profiles(scores: Sequence[Sequence[Sequence[float]]]) -> tuple[Profile, ...]:
    every = [score for one in scores for runs in one for score in runs]
    thresholds = np.linspace(np.quantile(every, LOWEST), max(every), THRESHOLDS).tolist()
    return tuple(performance_profile(one, thresholds) for one in scores)


def _no_ranks(variants: int, data_sets: int) -> str:
    if variants < MIN_VARIANTS:
        return f"Nemenyi's test is for {MIN_VARIANTS} variants or more, and these are {variants}."
    needed = data_sets_needed(variants)
    if data_sets < needed:
        return (
            f"With {variants} variants Nemenyi's test needs {needed} data sets to tell any two apart, "
            f"and these are {data_sets}."
        )
    return ""


def as_json(found: Scores, comparisons: Mapping[Weights, Comparison]) -> dict[str, Any]:
    """The numbers of the page."""
    data = [
        {
            "data": one.name,
            "metric": one.metric.label,
            "better": one.metric.better,
            "real_baseline": one.metric.real_baseline,
            "noise_baseline": one.metric.noise_baseline,
        }
        for one in found.data
    ]
    return {"data": data, "left_out": found.left_out} | {
        weights: {
            "variants": [
                {
                    "variant": row.variant.name,
                    "title": row.variant.title,
                    "scores": {
                        one.name: runs for one, runs in zip(found.data, row.variant.scores[weights], strict=True)
                    },
                    "lost": row.variant.lost[weights],
                    "interquartile_mean": vars(row.iqm),
                    "best_is_better": vars(row.worse) if row.worse else None,
                    "mean_rank": of.ranks.ranks[place] if of.ranks else None,
                }
                for place, row in enumerate(of.rows)
            ],
            "friedman_p": of.ranks.p if of.ranks else None,
            "critical_difference": of.ranks.critical_difference if of.ranks else None,
        }
        for weights, of in comparisons.items()
    }
