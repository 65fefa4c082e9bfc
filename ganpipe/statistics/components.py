"""Where the variance of a metric over trainings comes from, and how many seeds a difference needs."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ganpipe.statistics.seeds import LEVEL

POWER = 0.8
MOST_SEEDS = 1000


@dataclass(frozen=True)
class Component:
    """A source of chance: the standard deviation of a metric where it alone varies, and this variance as a share of
    that where all vary, with a 95 % interval."""

    source: str
    sd: float
    share: float
    low: float
    high: float


def components(values: Mapping[str, Sequence[float]], everything: Sequence[float]) -> list[Component]:
    """The components of independent sources. values: by source, of trainings in which it alone varies, at least two.

    The interval is that of a ratio of variances of normal values (F distribution). Shares do not add up to 1 where
    sources interact, or by chance.
    """
    from scipy.special import fdtri  # scipy.stats, whose f.ppf is this function, takes 0.6 s to import

    whole, d2 = statistics.variance(everything), len(everything) - 1
    found = []
    for source, of in values.items():
        share, d1 = statistics.variance(of) / whole, len(of) - 1
        tail = (1 + LEVEL) / 2
        low, high = share / float(fdtri(d1, d2, tail)), share * float(fdtri(d2, d1, tail))
        found.append(Component(source, statistics.stdev(of), share, low, high))
    return found


def seeds_needed(sd: float, difference: float) -> int | None:
    """Seeds of each of two variants for Welch's test to see a difference of their means in four of five cases.

    sd: over the seeds of either, whose values are normal. None where it takes more than MOST_SEEDS.
    """
    from scipy.stats import nct, t

    for n in range(2, MOST_SEEDS + 1):
        df, critical = 2 * n - 2, float(t.ppf((1 + LEVEL) / 2, 2 * n - 2))
        shift = difference / sd * (n / 2) ** 0.5
        if float(nct.sf(critical, df, shift)) + float(nct.cdf(-critical, df, shift)) >= POWER:
            return n
    return None
