"""Validate claims.yaml and write one spec for each data set, probe and experiment of the lecture."""

from __future__ import annotations

from pathlib import Path

from ganpipe.config import configuration
from ganpipe.lecture import ledger, specs
from ganpipe.pipeline.specs import write
from ganpipe.pipeline.stage import run
from stages.lecture import SPECS


def main() -> None:
    chosen = configuration.load(Path("params.yaml"))
    claims = ledger.load(Path(ledger.FILE))
    found = specs.build(claims, chosen, Path())
    changed = write(found, SPECS)
    print(f"resolved {len(claims.claims)} claims: {len(changed)} of {len(found)} specs changed")


if __name__ == "__main__":
    run(main)
