"""One variant: mean and standard deviation over its seeds, and Student's interval of the mean."""

from __future__ import annotations

import math
import statistics as exact
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

LEVEL = 0.95

Better = Literal["lower", "higher"]

Number = float | None
"""A value of one seed, None where it is not known or was not finite."""


@dataclass(frozen=True)
class Summary:
    """n: values that are numbers and finite; everything else here is over those.

    mean: None where n = 0. sd: sample standard deviation with n - 1, None where n < 2. low, high: Student's
    95 % interval of the mean, mean -+ t(0.975, n - 1) sd / sqrt(n), None where n < 2. lost: values that were
    None or not finite, as a training that is not finite leaves them: who shows the mean should show them too.
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
    """Summarise one value per seed. Values that are None, infinite or not a number are counted as `lost`."""
    return _summary(tuple(values))


@lru_cache(maxsize=4096)  # comparing all pairs of rows asks for each of them again and again
def _summary(given: tuple[Number, ...]) -> Summary:
    kept = finite(given)
    n, lost = len(kept), len(given) - len(kept)
    if n == 0:
        return Summary(0, None, None, None, None, lost)
    mean = exact.mean(kept)  # rational arithmetic: rounded once, whatever the order and size of the values
    if n == 1:
        return Summary(1, mean, None, None, None, lost)
    sd = exact.stdev(kept)
    half = student(n - 1) * sd / math.sqrt(n)
    return Summary(n, mean, sd, mean - half, mean + half, lost)


def student(degrees: float) -> float:
    """How many standard errors Student's two-sided interval reaches to each side: t((1 + `LEVEL`) / 2, degrees)."""
    from scipy.special import stdtrit  # 0.6 s less than scipy.stats, whose t.ppf is this function

    return float(stdtrit(degrees, (1.0 + LEVEL) / 2.0))
