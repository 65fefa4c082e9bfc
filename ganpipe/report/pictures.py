"""Sample grids as data URIs, and class histograms as numbers that the template draws."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ganpipe.report.evaluations import Classes
from ganpipe.report.read import Grid
from ganpipe.report.table import number

WIDTH, HEIGHT = 420, 120
MOST_BARS = 40
"""More classes than this are drawn as two outlines, in the order of their shares."""

LARGEST_FACTOR = 16
"""What looks like a larger enlargement is a picture of a single colour."""


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
    lost: int


def picture(grid: Grid, caption: str, target: int) -> Picture:
    """A grid scaled to about `target` pixels: pixel for pixel if it is smaller, smoothly if it is larger."""
    png, width, height = _unscaled(grid)
    longest = max(width, height)
    small = longest <= 1.25 * target
    shown = width * max(1, round(target / longest)) if small else round(width * target / longest)
    return Picture("data:image/png;base64," + base64.b64encode(png).decode("ascii"), caption, shown, small)


def _unscaled(grid: Grid) -> tuple[bytes, int, int]:
    """The picture before it was enlarged by repeating pixels: the page chooses a multiple of its own."""
    import numpy as np
    from PIL import Image

    image = Image.open(io.BytesIO(grid.png))
    planes = np.asarray(image).reshape(grid.height, grid.width, -1)
    changes = [1 + np.flatnonzero((np.diff(planes, axis=a) != 0).any((1 - a, 2))) for a in (0, 1)]
    factor = int(np.gcd.reduce([grid.width, grid.height, *changes[0], *changes[1]]))
    if not 1 < factor <= LARGEST_FACTOR:
        return grid.png, grid.width, grid.height
    width, height, buffer = grid.width // factor, grid.height // factor, io.BytesIO()
    image.resize((width, height), Image.Resampling.NEAREST).save(buffer, format="PNG")
    return buffer.getvalue(), width, height


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
    given: tuple[tuple[float, ...], ...] = getattr(classes, weights)
    seeds = [shares for shares in given if all(math.isfinite(share) for share in shares)]
    if not given or not classes.real:
        return None
    means = [sum(seed[index] for seed in seeds) / len(seeds) if seeds else 0.0 for index in range(len(classes.names))]
    top = max(share for shares in (classes.real, *seeds) for share in shares) or 1.0
    count, lost = len(classes.names), len(given) - len(seeds)

    def height(share: float) -> float:
        return round(HEIGHT * share / top, 2)

    if count > MOST_BARS:
        outlines = [_outline(shares, height) for shares in (classes.real, means)]
        return Histogram((), outlines[0], outlines[1], _percent(top), count, lost)
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
    return Histogram(bars, "", "", _percent(top), count, lost)


def _percent(share: float) -> str:
    return f"{number(100 * share)} %"


def _outline(shares: Sequence[float], height: Callable[[float], float]) -> str:
    wide = WIDTH / len(shares)
    heights = sorted((height(share) for share in shares), reverse=True)
    steps = " ".join(f"V{HEIGHT - h:.1f}H{wide * (index + 1):.1f}" for index, h in enumerate(heights))
    return f"M0 {HEIGHT}{steps}V{HEIGHT}"
