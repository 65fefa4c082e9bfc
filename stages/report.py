"""The page of all variants."""

from __future__ import annotations

from pathlib import Path

from ganpipe.files import write_whole
from ganpipe.report.page import zoo_page
from ganpipe.stage import read_spec, run


def main() -> None:
    spec = read_spec("report.json")
    page = Path("reports", spec["data"], "zoo.html")
    write_whole(page, zoo_page(Path(), spec).encode())
    print(f"page: {page}")


if __name__ == "__main__":
    run(main)
