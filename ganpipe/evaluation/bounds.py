"""Floor and ceiling of every figure: what real data and uniform noise get at the same numbers of samples."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from ganpipe.evaluation.reference import Measured, Reference

THERE = "there"
"""Beside the figures: the classes or modes that the floor's draws are in, as `Reference.there` counts them."""


@dataclass(frozen=True)
class Bounds:
    """floor: the mean over `draws` of real samples; deviation: over them, with n - 1. ceiling: uniform noise."""

    floor: float | None
    deviation: float | None
    ceiling: float | None


def most(real: Reference) -> int:
    """How many generated samples can be compared: at most half of the train split, so that the floor's draws differ."""
    return min(len(real.data.train) // 2, real.parameters.cap)


def bounds(real: Reference, generated: int, quick: bool = False) -> dict[str, Bounds]:
    """Floor and ceiling of every figure for so many samples, at most `most`, and the floor of THERE where it is known.

    Raises BadInput where that is too few.
    """
    draws = [
        real.measure(real.choose(real.data.train, generated, f"floor {draw}"), generated, quick)
        for draw in range(real.parameters.draws)
    ]
    noise = real.measure(real.noise(generated), generated, quick)
    names = real.quick if quick else real.figures
    limits = {name: _bounds(real, name, draws, noise) for name in names}
    found = [there[0] for draw in draws if (there := real.there(draw.compared))]
    return limits | ({THERE: Bounds(statistics.fmean(found), None, None)} if found and not quick else {})


def _bounds(real: Reference, name: str, draws: Sequence[Measured], noise: Measured) -> Bounds:
    known = real.figures[name].floor
    values = [draw.value(name) for draw in draws]
    finite = [value for value in values if value is not None]
    if known is not None or len(finite) < len(values):
        return Bounds(known, None, noise.value(name))
    return Bounds(statistics.fmean(finite), statistics.stdev(finite), noise.value(name))
