"""Many variants in an order, with how sure each place in it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, zip_longest

from ganpipe.statistics.bootstrap import RESAMPLES, SEED
from ganpipe.statistics.differences import holm, welch
from ganpipe.statistics.seeds import LEVEL, Better, Number, finite, summary

RESOLVED = 5
"""With fewer seeds than this nothing is ranked."""


@dataclass(frozen=True)
class Place:
    """One variant in the order. Places count from 1, the best; equal ones share the mean of theirs.

    place: in the order of the means. expected, low, high: mean and 95 % interval of its place over resamples of the
    seeds. p_best, p_next: p-values of Welch's t against the first in the order and against the one behind it, adjusted
    for all pairs; None where there is no such variant, or one of the two has lost seeds. lost: its lost seeds.
    """

    name: str
    place: float
    expected: float
    low: float
    high: float
    p_best: Number
    p_next: Number
    lost: int

    @property
    def apart(self) -> bool:
        """Whether this variant and the one behind it in the order can be told apart."""
        return distinct(self.p_next)


@dataclass(frozen=True)
class Ranking:
    """places: best first, none where nothing is ranked. seeds: of the variant with the fewest, lost ones included.

    best: the variant with the best mean among those without lost seeds, known however few the seeds are, and None
    where every variant has lost some. pairs: how many comparisons the p-values are adjusted for.
    """

    places: tuple[Place, ...]
    seeds: int
    best: str | None
    pairs: int

    @property
    def resolved(self) -> bool:
        """Whether there are seeds enough for an order."""
        return bool(self.places)


def distinct(p: Number) -> bool:
    """Whether an adjusted p-value tells two variants apart."""
    return p is not None and p < 1 - LEVEL


def rank(groups: Mapping[str, Sequence[Number]], better: Better) -> Ranking:
    """Order variants by their means over seeds; `groups` holds one value per seed of each.

    With fewer than `RESOLVED` seeds of any variant, or fewer than two variants, there are no places.

    Places over resamples: each variant's seeds are drawn with replacement, independently of the other variants, and
    the means ordered, as Goldstein and Spiegelhalter 1996 do ("League Tables and Their Limitations", J. R. Statist.
    Soc. A 159). A resample has one seed fewer than there are, which gives its mean the variance s^2 / n without bias
    (Hesterberg 2015, "What Teachers Should Know About the Bootstrap", Amer. Statist. 69). Where variants hardly differ,
    resampling orders them more firmly than it should, and the intervals of the first and last are too narrow.

    A variant with a lost seed stands behind all that lost none, in every resample: its mean over all seeds is worse
    than any number. Those with lost seeds are listed by the share lost, then by the mean of the rest, but nothing
    ranks them among themselves: the interval of each reaches over all of them.

    Which variant is the best and which are neighbours is read off the same values as the p-values, and so Holm's family
    is every pair of variants without lost seeds. Over the comparisons with the best alone, some of twelve equal ones
    with 6 seeds would be called worse than the best in 9 of 100 experiments; over all pairs it is 2 of 100.
    """
    said = {name: summary(values) for name, values in groups.items()}
    means = {name: _badness(s.mean, better) for name, s in said.items() if s.mean is not None and not s.lost}
    front = sorted(means, key=lambda name: means[name])
    seeds = min((len(values) for values in groups.values()), default=0)
    best = front[0] if front else None
    if seeds < RESOLVED or len(groups) < 2:
        return Ranking((), seeds, best, 0)
    pairs = list(combinations(front, 2))
    tests = [welch(groups[one], groups[other]).p for one, other in pairs]
    p = dict(zip(pairs, holm([value for value in tests if value is not None]), strict=True))
    drawn = _drawn_places([[_badness(value, better) for value in finite(groups[name])] for name in front])
    places = [
        Place(
            name=name,
            place=_shared([means[other] for other in front], means[name]),
            expected=expected,
            low=low,
            high=high,
            p_best=p.get((front[0], name)),
            p_next=p.get((name, behind)),
            lost=0,
        )
        for name, behind, (expected, low, high) in zip_longest(front, front[1:], drawn)
    ]
    first, last = len(front) + 1, len(groups)
    back = sorted(
        (name for name in groups if name not in means),
        key=lambda name: (said[name].lost / len(groups[name]), _badness(said[name].mean or 0.0, better)),
    )
    middle = (first + last) / 2
    places += [Place(name, middle, middle, first, last, None, None, said[name].lost) for name in back]
    return Ranking(tuple(places), seeds, best, len(pairs))


def _badness(value: float, better: Better) -> float:
    return value if better == "lower" else -value


def _shared(means: Sequence[float], mean: float) -> float:
    """The place of a mean among all, the middle of theirs for equal ones."""
    return sum(other < mean for other in means) + (1 + sum(other == mean for other in means)) / 2


def _drawn_places(groups: Sequence[Sequence[float]]) -> list[tuple[float, float, float]]:
    """Mean, low and high end of the place of each group over the resamples; lower values are better."""
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
    places = rankdata(means, axis=1)
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(places, [tail, 1 - tail], axis=0, method="inverted_cdf")  # places that were drawn
    return list(zip(places.mean(axis=0).tolist(), low.tolist(), high.tolist(), strict=True))
