"""Sample grids as data URIs, and class histograms as numbers that the template draws."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ganpipe.report.animation import animation
from ganpipe.report.evaluations import Classes, Weights
from ganpipe.report.formats import number
from ganpipe.report.read import Grid
from ganpipe.statistics import finite
from ganpipe.utils.errors import UserError

WIDTH, HEIGHT = 420, 120
MAX_BARS = 40
"""More classes than this are drawn as two outlines, in the order of their shares."""

MAX_SCALE_FACTOR = 16
"""A picture that seems to be enlarged by more is one of a single colour."""


@dataclass(frozen=True)
class Picture:
    """An image in the page. width: in CSS pixels, a whole multiple of its own where it is small."""

    uri: str
    caption: str
    width: int
    pixelated: bool


@dataclass(frozen=True)
class Bar:
    """A class: the real share as a wide bar, the mean over the seeds as a narrow one, a dot for each seed."""

    x: float
    width: float
    real: float
    mean: float
    dots: tuple[float, ...]
    label: str
    tooltip: str


@dataclass(frozen=True)
class Histogram:
    """Shares of the classes, measured in a box of `WIDTH` by `HEIGHT`. top: the share at the upper edge.

    lost: seeds without finite samples. real_outline, mean_outline: SVG paths, where the classes are too many for bars.
    """

    top: str
    classes: int
    lost: int
    bars: tuple[Bar, ...] = ()
    real_outline: str = ""
    mean_outline: str = ""


def picture(grid: Grid, caption: str, target: int) -> Picture:
    """A grid scaled to about `target` pixels: pixel for pixel if it is smaller, smoothly if it is larger."""
    return picture_of(grid.path.read_bytes(), caption, target, str(grid.path))


def picture_of(png: bytes, caption: str, target: int, source: str) -> Picture:
    """The same of the bytes of a PNG. source: where they are from, for the sentence where they are none."""
    png, width, height = _unscaled(png, source)
    longest = max(width, height)
    small = longest <= 1.25 * target
    shown = width * max(1, round(target / longest)) if small else round(width * target / longest)
    return Picture("data:image/png;base64," + base64.b64encode(png).decode("ascii"), caption, shown, small)


def film(grids: Sequence[Grid], caption: str, target: int) -> Picture:
    """Grids of one training as a moving picture of `target` pixels."""
    webp = animation([grid.path for grid in grids], "WEBP", lossless=False)
    return Picture("data:image/webp;base64," + base64.b64encode(webp).decode("ascii"), caption, target, False)


def thumbnail(grid: Grid, caption: str, target: int) -> Picture:
    """A grid for a page of many: that of small images whole; of larger ones the 4 by 4 images at the top left."""
    from PIL import Image

    png, width, height = _unscaled(grid.path.read_bytes(), str(grid.path))
    image: Image.Image = Image.open(io.BytesIO(png))
    if max(width, height) <= target:
        buffer = io.BytesIO()
        image.save(buffer, format="WEBP", lossless=True, method=6)
        return replace(picture(grid, caption, target), uri=_webp(buffer))
    if image.width == image.height and (image.width - 1) % 8 == 0:  # 8 x 8 images, each with a line before it
        image = image.crop((0, 0, 1 + image.width // 2, 1 + image.height // 2))
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, format="WEBP", quality=80)
    return Picture(_webp(buffer), caption, target, image.width <= target)


def _webp(buffer: io.BytesIO) -> str:
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _unscaled(png: bytes, source: str) -> tuple[bytes, int, int]:
    """The PNG as it was before it was enlarged by repeating pixels, its width and its height."""
    import numpy as np
    from PIL import Image

    try:
        image = Image.open(io.BytesIO(png))
        pixels = np.asarray(image).reshape(image.height, image.width, -1)
    except (OSError, SyntaxError, ValueError) as error:
        raise UserError(f"{source} is no PNG that can be read ({error}): run its stage again.") from error
    changes = [1 + np.flatnonzero((np.diff(pixels, axis=axis) != 0).any((1 - axis, 2))) for axis in (0, 1)]
    factor = int(np.gcd.reduce([image.width, image.height, *changes[0], *changes[1]]))
    if not 1 < factor <= MAX_SCALE_FACTOR:
        return png, image.width, image.height
    buffer = io.BytesIO()
    size = (image.width // factor, image.height // factor)
    image.resize(size, Image.Resampling.NEAREST).save(buffer, format="PNG")
    return buffer.getvalue(), *size


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


def histogram(classes: Classes | None, weights: Weights) -> Histogram | None:
    """The shares of the real samples beside those of the generated ones, None where there are none."""
    by_seed = classes.of(weights) if classes else ()
    if classes is None or not by_seed or not classes.real:
        return None
    seeds = [shares for shares in by_seed if len(finite(shares)) == len(shares)]
    means = [sum(shares) / len(seeds) for shares in zip(*seeds, strict=True)] if seeds else [0.0] * len(classes.names)
    top = max(share for shares in (classes.real, *seeds) for share in shares) or 1.0
    num_classes, lost = len(classes.names), len(by_seed) - len(seeds)
    if num_classes > MAX_BARS:
        outlines = [_outline(shares, top) for shares in (classes.real, means)]
        return Histogram(_percent(top), num_classes, lost, (), *outlines)
    bars = tuple(
        Bar(
            x=round(WIDTH * (index + 0.5) / num_classes, 2),
            width=round(0.78 * WIDTH / num_classes, 2),
            real=_height(classes.real[index], top),
            mean=_height(means[index], top),
            dots=tuple(_height(seed[index], top) for seed in seeds),
            label=name if len(name) <= 8 else name[:7] + "\u2026",
            tooltip=f"{name}: real {_percent(classes.real[index])}, generated {_percent(means[index])}",
        )
        for index, name in enumerate(classes.names)
    )
    return Histogram(_percent(top), num_classes, lost, bars)


def _height(share: float, top: float) -> float:
    return round(HEIGHT * share / top, 2)


def _percent(share: float) -> str:
    return f"{number(100 * share)} %"


def _outline(shares: Sequence[float], top: float) -> str:
    width = WIDTH / len(shares)
    heights = sorted((_height(share, top) for share in shares if math.isfinite(share)), reverse=True)
    steps = " ".join(f"V{HEIGHT - height:.1f}H{width * (index + 1):.1f}" for index, height in enumerate(heights))
    return f"M0 {HEIGHT}{steps}V{HEIGHT}"
