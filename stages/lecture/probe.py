"""Run one probe of the lecture."""

from __future__ import annotations

import importlib
import sys

from ganpipe.lecture.probe import write
from ganpipe.pipeline.stage import run
from stages.lecture import LECTURE, read


def main() -> None:
    name = read(f"probes/{sys.argv[1]}.json")["probe"]
    import torch

    torch.set_num_threads(1)
    write(importlib.import_module(f"ganpipe.lecture.probes.{name}").run(), LECTURE / "probes" / name)
    print(f"probe: {name}")


if __name__ == "__main__":
    run(main)
