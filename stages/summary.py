"""The selected variant over all its seeds: metrics.json, what DVC plots, and a page of its own."""

from __future__ import annotations

from pathlib import Path

from ganpipe.pipeline.stage import read_spec, run
from ganpipe.report.page import summary_page
from ganpipe.report.read import read_evaluation
from ganpipe.report.summary import summary_metrics, summary_plots
from ganpipe.utils.io import write_bytes, write_json


def main() -> None:
    spec = read_spec("summary.json")
    data, variant = spec["data"], spec["loss"]
    page = Path("reports", data, f"{variant}.html")
    write_bytes(page, summary_page(Path(), spec, variant).encode())
    summary_plots(Path(), spec, variant, Path("plots"))
    write_json(Path("metrics.json"), summary_metrics(read_evaluation(Path(), data, variant)))
    print(f"page: {page}")


if __name__ == "__main__":
    run(main)
