"""The page of all variants."""

from __future__ import annotations

from pathlib import Path

from ganpipe.pipeline.stage import read_spec, run
from ganpipe.report.comparison import ranks
from ganpipe.report.page import zoo_page
from ganpipe.tracking.launch import ranked
from ganpipe.utils.io import write_bytes


def main() -> None:
    spec = read_spec("report.json")
    page = Path("reports", spec["data"], "zoo.html")
    write_bytes(page, zoo_page(Path(), spec).encode())
    print(f"page: {page}")
    ranked(ranks(Path(), spec), spec["data"])


if __name__ == "__main__":
    run(main)
