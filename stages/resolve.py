"""Validate params.yaml and variants/ and write one spec for each piece of work."""

from __future__ import annotations

from pathlib import Path

from ganpipe.config import configuration
from ganpipe.pipeline import specs
from ganpipe.pipeline.stage import SPECS, run


def main() -> None:
    chosen = configuration.load(Path("params.yaml"))
    configuration.check(chosen)
    changed = specs.write(specs.build(chosen, Path()), SPECS)
    specs_changed = "1 spec" if len(changed) == 1 else f"{len(changed)} specs"
    print(f"resolved {len(chosen.variants)} variants on {chosen.data.kind}: {specs_changed} changed")


if __name__ == "__main__":
    run(main)
