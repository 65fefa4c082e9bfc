"""The page of the comparison across data sets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from ganpipe.across import figures
from ganpipe.across.compare import as_json, compare
from ganpipe.across.scores import Scores, read
from ganpipe.config import configuration
from ganpipe.lecture.pictures import svg_uri
from ganpipe.pipeline.data_sets import known
from ganpipe.report.formats import extent, number
from ganpipe.utils.io import write_bytes


def write_page(root: Path, data: Sequence[str]) -> Path:
    """Write `reports/across.html` of these data sets; returns where it is. Raises UserError as `read` does."""
    c, page = configuration.load(root / "params.yaml"), root / "reports/across.html"
    write_bytes(page, across_page(read(root, known(data, c.datasets), list(c.variants))).encode())
    return page


def across_page(found: Scores) -> str:
    """The page as HTML, which opens offline."""
    environment = Environment(
        loader=ChoiceLoader([PackageLoader("ganpipe.across"), PackageLoader("ganpipe.report")]),
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["number"] = number
    comparisons = {weights: compare(found, weights) for weights in found.weights}
    pictures = {
        weights: {
            "means": svg_uri(figures.means(of)),
            "profiles": svg_uri(figures.profiles(of)),
            "diagram": svg_uri(figures.diagram([row.variant.title for row in of.rows], of.ranks)) if of.ranks else "",
        }
        for weights, of in comparisons.items()
    }
    return environment.get_template("across.html.j2").render(
        found=found,
        comparisons=comparisons,
        pictures=pictures,
        seeds=extent(found.seeds),
        numbers=as_json(found, comparisons),
    )
