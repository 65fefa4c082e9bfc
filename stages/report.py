"""The page of all variants."""

from __future__ import annotations

from pathlib import Path

from ganpipe.report.page import zoo_page
from ganpipe.stage import read_spec, run


def main() -> None:
    spec = read_spec("report.json")
    page = Path("reports", spec["data"], "zoo.html")
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(zoo_page(Path(), spec), encoding="utf-8")
    print(f"page: {page}")


if __name__ == "__main__":
    run(main)
