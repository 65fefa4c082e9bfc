"""The page of the sources of variance of one variant."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from ganpipe.lecture.pictures import svg_uri
from ganpipe.lecture.probe import axes, svg
from ganpipe.report.formats import NOTHING, number
from ganpipe.statistics.components import Component, components, seeds_needed
from ganpipe.utils.io import write_bytes, write_json
from ganpipe.variance.measure import EVERYTHING, KEPT, Measured

SHARES = (0.05, 0.1, 0.2, 0.5, 1.0)
"""Differences, as shares of the mean, that seeds are counted for."""
WHAT = {
    "initialisation": "the weights at the start",
    "order": "the order of the data",
    "noise": "latents and other noise of the training",
    "samples": "the samples that are evaluated",
}


def found(measured: Measured) -> list[Component]:
    """The components, the largest first."""
    alone = {source: values for source, values in measured.values.items() if source != EVERYTHING}
    return sorted(components(alone, measured.values[EVERYTHING]), key=lambda one: -one.share)


def as_json(measured: Measured) -> dict[str, Any]:
    """The numbers of the page."""
    return {
        "variant": measured.variant,
        "data": measured.data,
        "metric": measured.label,
        "values": measured.values,
        "components": [vars(one) for one in found(measured)],
    }


def write_page(measured: Measured) -> Path:
    """Write the page, and its numbers into KEPT; returns where the page is."""
    page = Path("reports", measured.data, f"variance-{measured.variant}.html")
    write_json(KEPT / f"{measured.data}-{measured.variant}.json", as_json(measured))
    write_bytes(page, variance_page(measured).encode())
    return page


def variance_page(measured: Measured) -> str:
    """The page as HTML, which opens offline."""
    environment = Environment(
        loader=ChoiceLoader([PackageLoader("ganpipe.variance"), PackageLoader("ganpipe.report")]),
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["number"] = number
    everything = measured.values[EVERYTHING]
    mean, sd, parts = statistics.mean(everything), statistics.stdev(everything), found(measured)
    needed = [(share, abs(share * mean), seeds_needed(sd, abs(share * mean))) for share in SHARES]
    return environment.get_template("variance.html.j2").render(
        m=measured,
        runs=max(len(values) + measured.lost[source] for source, values in measured.values.items()),
        what=WHAT,
        components=parts,
        rest=1 - sum(one.share for one in parts),
        mean=mean,
        sd=sd,
        needed=[(share, difference, NOTHING if n is None else n) for share, difference, n in needed],
        figure=svg_uri(_figure(measured)),
    )


def _figure(measured: Measured) -> bytes:
    """Every training as a dot, a line for each source."""
    sources = [*(one.source for one in found(measured)), EVERYTHING]
    figure, (pane,) = axes(width=7.2, height=0.8 + 0.36 * len(sources))
    for y, source in enumerate(sources):
        values = measured.values[source]
        pane.plot(values, [y] * len(values), "o", color="#3457a6", alpha=0.55, markersize=5)
        pane.plot([statistics.mean(values)], [y], "|", color="#1d1d1f", markersize=14)
    pane.set_yticks(range(len(sources)), sources)
    pane.set_ylim(len(sources) - 0.5, -0.5)
    pane.set_xlabel(measured.label)
    return svg(figure)
