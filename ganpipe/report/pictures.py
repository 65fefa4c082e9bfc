"""Sample grids as data URIs, and class histograms as numbers that the template draws."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ganpipe.report.read import Classes, Grid
from ganpipe.report.table import number

WIDTH, HEIGHT = 420, 120
MOST_BARS = 40
"""More classes than this are drawn as two outlines, in the order of their shares."""


@dataclass(frozen=True)
class Picture:
    """An image in the page: shown at a whole multiple of its size where it is small."""

    uri: str
    caption: str
    width: int
    pixelated: bool


@dataclass(frozen=True)
class Bar:
    """A class: the real share as a wide bar, the mean over the seeds as a narrow one, a dot for each seed."""

    x: float
    wide: float
    real: float
    mean: float
    dots: tuple[float, ...]
    label: str
    tooltip: str


@dataclass(frozen=True)
class Histogram:
    """Shares of the classes, measured in a box of `WIDTH` by `HEIGHT`."""

    bars: tuple[Bar, ...]
    real_outline: str
    mean_outline: str
    top: str
    classes: int


def picture(grid: Grid, caption: str, target: int) -> Picture:
    """A grid scaled to about `target` pixels: pixel for pixel if it is smaller, smoothly if it is larger."""
    longest = max(grid.width, grid.height, 1)
    whole = max(1, round(target / longest))
    width = grid.width * whole if longest <= 1.25 * target else round(grid.width * target / longest)
    uri = "data:image/png;base64," + base64.b64encode(grid.png).decode("ascii")
    return Picture(uri, caption, width, pixelated=longest <= 1.25 * target)


def progression(grids: Sequence[Grid], most: int) -> list[Grid]:
    """At most so many grids from first to last, closer together at the beginning, where more happens."""
    if len(grids) <= most:
        return list(grids)
    ratio = len(grids) ** (1 / (most - 1))
    chosen: list[int] = []
    for index in range(most):
        wanted = round(ratio**index) - 1
        chosen.append(max(wanted, chosen[-1] + 1) if chosen else wanted)
    return [grids[min(index, len(grids) - 1)] for index in chosen]


def histogram(classes: Classes, weights: str) -> Histogram | None:
    """The shares of the real samples beside those of the generated ones, or None where there are none."""
    seeds: tuple[tuple[float, ...], ...] = getattr(classes, weights)
    if not seeds or not classes.real:
        return None
    means = [sum(seed[index] for seed in seeds) / len(seeds) for index in range(len(classes.names))]
    every = [share for shares in (classes.real, *seeds) for share in shares if math.isfinite(share)]
    top = max([*every, 1e-9])
    count = len(classes.names)

    def height(share: float) -> float:
        return round(HEIGHT * share / top, 2) if math.isfinite(share) else 0.0

    if count > MOST_BARS:
        outlines = [_outline(shares, height) for shares in (classes.real, means)]
        return Histogram((), outlines[0], outlines[1], _percent(top), count)
    bars = tuple(
        Bar(
            x=round(WIDTH * (index + 0.5) / count, 2),
            wide=round(0.78 * WIDTH / count, 2),
            real=height(classes.real[index]),
            mean=height(means[index]),
            dots=tuple(height(seed[index]) for seed in seeds),
            label=name if len(name) <= 8 else name[:7] + "\u2026",
            tooltip=f"{name}: real {_percent(classes.real[index])}, generated {_percent(means[index])}",
        )
        for index, name in enumerate(classes.names)
    )
    return Histogram(bars, "", "", _percent(top), count)


def _percent(share: float) -> str:
    return f"{number(100 * share)} %" if math.isfinite(share) else "not finite"


def _outline(shares: Sequence[float], height: Callable[[float], float]) -> str:
    wide = WIDTH / len(shares)
    heights = sorted((height(share) for share in shares), reverse=True)
    steps = " ".join(f"V{HEIGHT - h:.1f}H{wide * (index + 1):.1f}" for index, h in enumerate(heights))
    return f"M0 {HEIGHT}{steps}V{HEIGHT}"
