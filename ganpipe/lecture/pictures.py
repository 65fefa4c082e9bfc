"""The pictures beside a claim: of a probe its own, of experiments their values and samples."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

from ganpipe.lecture.probe import axes, svg
from ganpipe.lecture.rules import Judged, Values
from ganpipe.report.pictures import Picture, thumbnail
from ganpipe.report.read import Grid
from ganpipe.statistics.seeds import finite, summary


def svg_uri(data: bytes) -> str:
    """An SVG as a data URI."""
    return f"data:image/svg+xml;base64,{base64.b64encode(data).decode('ascii')}"


def strips(rules: Sequence[Judged], values: Values) -> bytes:
    """What the rules compare, as SVG: a panel a quantity, a dot for each seed, the mean and its 95 % interval."""
    panels: dict[str, list[str]] = {}
    for rule in rules:
        for name in rule.names:
            kept = panels.setdefault(name.split(".", 2)[2], [])
            if name not in kept:
                kept.append(name)
    height = 0.75 + 0.3 * max(map(len, panels.values()))
    figure, panes = axes(len(panels), width=3.9, height=height)
    for (quantity, names), pane in zip(panels.items(), panes, strict=True):
        for y, name in enumerate(names):
            found, mean = finite(values(name)), summary(values(name))
            pane.plot(found, [y] * len(found), "o", color="#3457a6", alpha=0.5, markersize=5)
            if mean.mean is not None and mean.low is not None and mean.high is not None:
                pane.errorbar(mean.mean, y, xerr=mean.high - mean.mean, fmt="|", color="#1d1d1f", capsize=3)
        pane.set_yticks(range(len(names)), [name.split(".")[1] for name in names])
        pane.set_ylim(len(names) - 0.5, -0.5)
        pane.set_xlabel(quantity.replace("@", " at step "))
    return svg(figure)


def samples(folder: Path, caption: str) -> Picture | None:
    """The last sample grid of an experiment's first seed."""
    seed = min((path for path in folder.iterdir() if path.name.isdecimal()), key=lambda path: int(path.name))
    grids = sorted((seed / "grids").glob("*.png"))
    return thumbnail(Grid(int(grids[-1].stem), grids[-1]), caption, 168) if grids else None
