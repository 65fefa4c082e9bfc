"""Validate `tune` of params.yaml and write one spec for each draw and winner on a data set."""

from __future__ import annotations

import sys
from pathlib import Path

from ganpipe.config import configuration
from ganpipe.pipeline.specs import write
from ganpipe.pipeline.stage import run
from ganpipe.tuning import specs
from stages.tune import SPECS


def main() -> None:
    data = sys.argv[1]
    chosen = configuration.load(Path("params.yaml"))
    found = specs.build(chosen, Path(), data)
    changed = write(found, SPECS / data)
    print(f"resolved {len(chosen.tune.draws)} draws of each variant: {len(changed)} of {len(found)} specs changed")


if __name__ == "__main__":
    run(main)
