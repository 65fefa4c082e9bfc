"""What a probe returns, and the files that are made of it."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganpipe.utils.io import write_bytes, write_json

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Value = float | list[float]


@dataclass(frozen=True)
class ProbeResult:
    """values: what claims are judged by, by name: a number, or one for each repetition. columns, rows: the numbers
    behind the picture. figure: the picture."""

    values: Mapping[str, Value]
    columns: Sequence[str]
    rows: Sequence[Sequence[float | int | str]]
    figure: Figure


def axes(columns: int = 1, *, rows: int = 1, width: float = 3.6, height: float = 2.8) -> tuple[Figure, list[Axes]]:
    """A figure and its axes, row by row; width and height of each in inches."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(columns * width, rows * height), layout="constrained")
    found: list[Any] = [figure.add_subplot(rows, columns, i + 1) for i in range(rows * columns)]
    for one in found:
        one.spines[["top", "right"]].set_visible(False)
        one.grid(alpha=0.25)
    return figure, found


def write(result: ProbeResult, folder: Path) -> None:
    """`values.json`, `table.csv` and `figure.svg`; the same result gives the same bytes."""
    write_json(folder / "values.json", result.values)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([result.columns, *result.rows])
    write_bytes(folder / "table.csv", text.getvalue().encode())
    write_bytes(folder / "figure.svg", svg(result.figure))


def svg(figure: Figure) -> bytes:
    """The figure as SVG, without its date and with names of its own for its parts."""
    import matplotlib as mpl

    out = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "ganpipe", "svg.fonttype": "none", "font.family": "sans-serif"}):
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return out.getvalue()
