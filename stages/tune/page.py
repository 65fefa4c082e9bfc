"""The page of the tuning on a data set, and its numbers."""

from __future__ import annotations

import sys
from pathlib import Path

from ganpipe.pipeline.stage import run
from ganpipe.training.checkpoint_dir import prune_checkpoints
from ganpipe.tuning.page import as_json, read, tuning_page
from ganpipe.utils.io import write_bytes, write_json
from stages.tune import TUNE
from stages.tune import read as read_spec


def main() -> None:
    data = sys.argv[1]
    result = read(read_spec(data, "page.json"), TUNE)
    page = Path("reports", f"tuning-{data}.html")
    write_json(TUNE / f"{data}.json", as_json(result))
    write_bytes(page, tuning_page(result, data).encode())
    prune_checkpoints("tune*", f"{data}-*")
    print(f"page: {page}")


if __name__ == "__main__":
    run(main)
