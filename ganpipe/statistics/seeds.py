"""Summary of one variant: mean and standard deviation over its seeds, and Student's interval of the mean."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

LEVEL = 0.95
"""Of every interval, and 1 - LEVEL is the level of significance."""

Better = Literal["lower", "higher"]

Number = float | None
"""A value of one seed, None where it is not known or was not finite."""


@dataclass(frozen=True)
class Summary:
    """n: number of finite values; all other fields but `lost` are over those.

    mean: None where n = 0. sd: sample standard deviation with n - 1, None where n < 2. low, high: Student's 95 %
    interval of the mean, mean -+ t(0.975, n - 1) sd / sqrt(n), None where n < 2. lost: values that were None or not
    finite, to be shown beside the mean.
    """

    n: int
    mean: float | None
    sd: float | None
    low: float | None
    high: float | None
    lost: int


def finite(values: Iterable[Number]) -> list[float]:
    """The values that are numbers and finite, in order."""
    return [float(value) for value in values if value is not None and math.isfinite(value)]


def summary(values: Iterable[Number]) -> Summary:
    """Summarise one value per seed."""
    given = list(values)
    kept = finite(given)
    n, lost = len(kept), len(given) - len(kept)
    if n == 0:
        return Summary(0, None, None, None, None, lost)
    mean = statistics.mean(kept)  # rational arithmetic: rounded once, whatever the order and size of the values
    if n == 1:
        return Summary(1, mean, None, None, None, lost)
    from scipy.special import stdtrit  # scipy.stats, whose t.ppf is this function, takes 0.6 s to import

    sd = statistics.stdev(kept)
    half = float(stdtrit(n - 1, (1 + LEVEL) / 2)) * sd / math.sqrt(n)
    return Summary(n, mean, sd, mean - half, mean + half, lost)
