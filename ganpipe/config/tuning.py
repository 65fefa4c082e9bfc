"""Tuning at an equal budget: `tune` in params.yaml."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from ganpipe.parts import Frozen, Number, Seed, refuse

Key = tuple[str | int, ...]
DIGITS = 4
"""Significant ones of a number that was drawn: short to read, and the same on every machine."""


class Dimension(Frozen):
    """A number of a variant that is tuned, from low to high; a variant without it keeps what it has.

    key: of the variant, as `generator_optimizer.betas.0`; `*` is every item of a list. scale: linear, log, whole
    (numbers), or factor, by which the variant's own number is multiplied, uniform as log is. A schedule starts at what
    is drawn, and its end is multiplied by as much.
    """

    key: Annotated[str, Field(pattern=r"^[a-z_]+(\.([a-z_]+|\d+|\*))*$", max_length=200)]
    low: Number
    high: Number
    scale: Literal["linear", "log", "whole", "factor"]

    @model_validator(mode="after")
    def _is_a_range(self) -> Dimension:
        if self.low >= self.high:
            raise refuse("should be above `low`", "high", value=self.high)
        if self.scale in ("log", "factor") and self.low <= 0:
            raise refuse(f"should be above 0 for the scale {self.scale}", "low", value=self.low)
        if self.scale == "whole" and not (self.low.is_integer() and self.high.is_integer()):
            raise refuse("goes from one whole number to another; round them", "scale", value=self.scale)
        return self

    def number(self, share: float, own: float) -> float:
        """The number at this share of the way, from 0 to below 1, where the variant's own is `own`."""
        if self.scale == "whole":
            return int(self.low + math.floor(share * (self.high - self.low + 1)))
        if self.scale == "linear":
            found = self.low + share * (self.high - self.low)
        else:
            found = self.low * (self.high / self.low) ** share
        return float(f"{found * own if self.scale == 'factor' else found:.{DIGITS}g}")

    def places(self, settings: Any) -> list[Key]:
        """The keys of numbers and schedules in a variant's settings that it stands for."""
        found: list[tuple[Key, Any]] = [((), settings)]
        for part in self.key.split("."):
            found = [pair for key, value in found for pair in _below(key, value, part)]
        return [key for key, value in found if _is_number(value)]


def _is_number(value: Any) -> bool:
    if isinstance(value, dict):
        return {"start", "end"} <= value.keys()
    return type(value) in (int, float)


def _below(key: Key, value: Any, part: str) -> list[tuple[Key, Any]]:
    if isinstance(value, dict) and part in value:
        return [((*key, part), value[part])]
    if isinstance(value, list) and part == "*":
        return [((*key, i), item) for i, item in enumerate(value)]
    if isinstance(value, list) and part.isdecimal() and int(part) < len(value):
        return [((*key, int(part)), value[int(part)])]
    return []


class Tuning(Frozen):
    """data: the data sets on which it is done; with none, nothing of it is there. variants: which are compared.

    draws: places in a Sobol sequence, one training each. sequence_seed: of its scrambling and of the split.
    training_seed: of these trainings. validation: the share of the training split that the best is chosen on.
    final_seeds: of the trainings of the best, on the whole training split, which the test split is for. settings: what
    differs from each variant in all of these trainings, as `steps`. space: the numbers that are tuned.
    """

    data: Annotated[tuple[str, ...], Field(strict=False)]
    variants: Annotated[tuple[str, ...], Field(strict=False, min_length=1)]
    draws: Annotated[tuple[Annotated[int, Field(ge=0, lt=2**16)], ...], Field(strict=False, min_length=2)]
    sequence_seed: Annotated[int, Field(ge=0, lt=2**32)]
    training_seed: Seed
    validation: Annotated[float, Field(ge=0.01, le=0.5)]
    final_seeds: Annotated[tuple[Seed, ...], Field(strict=False, min_length=2)]
    settings: dict[str, Any]
    space: Annotated[tuple[Dimension, ...], Field(strict=False, min_length=1, max_length=100)]

    def points(self) -> dict[int, list[float]]:
        """For each draw the share of the way in each dimension: a scrambled Sobol sequence (Owen 1998), whose points
        do not depend on how many of them are taken."""
        from scipy.stats.qmc import Sobol

        power = max(self.draws).bit_length()
        drawn = Sobol(len(self.space), scramble=True, rng=self.sequence_seed).random_base2(power)
        return {draw: drawn[draw].tolist() for draw in self.draws}


def draw(settings: dict[str, Any], shares: Iterable[tuple[Dimension, float]]) -> dict[str, float]:
    """Put the numbers at these shares of their ways into a variant's settings, in place. Returns them by key."""
    found: dict[str, float] = {}
    for dimension, share in shares:
        for *above, last in dimension.places(settings):
            holder: Any = settings
            for part in above:
                holder = holder[part]
            own = holder[last]
            if isinstance(own, dict):
                number = dimension.number(share, own["start"])
                ratio = number / own["start"] if own["start"] else 1.0
                holder[last] = own | {"start": number, "end": own["end"] * ratio}
            else:
                number = holder[last] = dimension.number(share, own)
            found[".".join(map(str, [*above, last]))] = number
    return found
