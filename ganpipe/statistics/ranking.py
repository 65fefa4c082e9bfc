"""The ranking of many variants, with an interval for each rank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, zip_longest

from ganpipe.statistics.bootstrap import RESAMPLES, SEED
from ganpipe.statistics.differences import holm, welch_p_values
from ganpipe.statistics.seeds import LEVEL, Better, Number, finite, summary

MIN_SEEDS = 5
"""With fewer seeds of any variant there is no ranking."""


@dataclass(frozen=True)
class RankInterval:
    """The rank of one variant. Ranks count from 1, the best; ties share their mean rank.

    rank: of its mean. mean_rank, low, high: mean and 95 % interval of its rank over resamples of the seeds.
    p_best, p_next: p-values of Welch's t-test against the best variant and against the next in the ranking, adjusted
    for all pairs; None where there is no such variant, or one of the two has lost seeds. lost: its lost seeds.
    """

    name: str
    rank: float
    mean_rank: float
    low: float
    high: float
    p_best: Number
    p_next: Number
    lost: int

    @property
    def differs_from_next(self) -> bool:
        """Whether this variant and the next in the ranking differ significantly."""
        return distinct(self.p_next)


@dataclass(frozen=True)
class Ranking:
    """ranks: best first, empty where there are too few seeds. seeds: of the variant with the fewest, lost included.

    best: the variant with the best mean among those without lost seeds, given with any number of seeds; None where
    every variant has lost some. pairs: the number of comparisons that the p-values are adjusted for.
    """

    ranks: tuple[RankInterval, ...]
    seeds: int
    best: str | None
    pairs: int

    @property
    def resolved(self) -> bool:
        """Whether there are enough seeds for a ranking."""
        return bool(self.ranks)


def distinct(p: Number) -> bool:
    """Whether an adjusted p-value is significant."""
    return p is not None and p < 1 - LEVEL


def rank(groups: Mapping[str, Sequence[Number]], better: Better) -> Ranking:
    """Rank variants by their means over seeds; `groups` holds one value per seed of each.

    With fewer than `MIN_SEEDS` seeds of any variant, or fewer than two variants, there are no ranks.

    Rank intervals: each variant's seeds are resampled with replacement, independently of the other variants, and the
    means ranked, as in Goldstein and Spiegelhalter 1996 ("League Tables and Their Limitations", J. R. Statist. Soc. A
    159). A resample has one seed fewer than there are, which makes the variance s^2 / n of its mean unbiased
    (Hesterberg 2015, "What Teachers Should Know About the Bootstrap", Amer. Statist. 69). Where variants hardly differ,
    resampling ranks them more firmly than it should, and the intervals of the first and last are too narrow.

    A variant with a lost seed ranks behind all that lost none, in every resample: its mean over all seeds is worse
    than any number. Those with lost seeds are listed by the share lost, then by the mean of the rest, and the interval
    of each covers the ranks of all of them.

    The best variant and the neighbours are chosen from the same values as the p-values, so Holm's family is every pair
    of variants without lost seeds. Over the comparisons with the best alone, some of twelve equal ones with 6 seeds
    would be called worse than the best in 9 of 100 experiments; over all pairs it is 2 of 100.
    """
    summaries = {name: summary(values) for name, values in groups.items()}
    losses = {name: _loss(s.mean, better) for name, s in summaries.items() if s.mean is not None and not s.lost}
    complete = sorted(losses, key=lambda name: losses[name])
    seeds = min((len(values) for values in groups.values()), default=0)
    best = complete[0] if complete else None
    if seeds < MIN_SEEDS or len(groups) < 2:
        return Ranking((), seeds, best, 0)
    pairs = list(combinations(complete, 2))
    tested = welch_p_values([(summaries[one], summaries[other]) for one, other in pairs])
    p = dict(zip(pairs, holm(tested), strict=True))
    resampled = _resampled_ranks([[_loss(value, better) for value in finite(groups[name])] for name in complete])
    ranks = [
        RankInterval(
            name=name,
            rank=_mean_rank([losses[other] for other in complete], losses[name]),
            mean_rank=mean_rank,
            low=low,
            high=high,
            p_best=p.get((complete[0], name)),
            p_next=p.get((name, following)),
            lost=0,
        )
        for name, following, (mean_rank, low, high) in zip_longest(complete, complete[1:], resampled)
    ]
    first, last = len(complete) + 1, len(groups)
    incomplete = sorted(
        (name for name in groups if name not in losses),
        key=lambda name: (summaries[name].lost / len(groups[name]), _loss(summaries[name].mean or 0.0, better)),
    )
    middle = (first + last) / 2
    ranks += [RankInterval(name, middle, middle, first, last, None, None, summaries[name].lost) for name in incomplete]
    return Ranking(tuple(ranks), seeds, best, len(pairs))


def _loss(value: float, better: Better) -> float:
    """The value with a sign that makes lower ones better."""
    return value if better == "lower" else -value


def _mean_rank(values: Sequence[float], value: float) -> float:
    """The rank of a value among all, the mean rank where some are equal."""
    return sum(other < value for other in values) + (1 + sum(other == value for other in values)) / 2


def _resampled_ranks(groups: Sequence[Sequence[float]]) -> list[tuple[float, float, float]]:
    """Mean, low and high end of the rank of each group over the resamples; lower values are better."""
    if not groups:
        return []
    import numpy as np
    from scipy.stats import rankdata

    rng = np.random.default_rng(SEED)
    unit = max(abs(value) for group in groups for value in group) or 1.0  # sums of very large values stay finite
    means = np.empty((RESAMPLES, len(groups)))
    for column, group in enumerate(groups):
        chosen = rng.integers(len(group), size=(RESAMPLES, len(group) - 1))
        means[:, column] = (np.sort(group) / unit)[chosen].mean(axis=1)
    ranks = rankdata(means, axis=1)
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(ranks, [tail, 1 - tail], axis=0, method="inverted_cdf")  # ranks that occurred
    return list(zip(ranks.mean(axis=0).tolist(), low.tolist(), high.tolist(), strict=True))
