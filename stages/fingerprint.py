"""Fingerprint the files that the data is read from: DVC itself watches nothing outside its dependencies."""

from __future__ import annotations

from pathlib import Path

from ganpipe.pipeline.fingerprint import fingerprint
from ganpipe.pipeline.stage import read_spec, run
from ganpipe.utils.io import write_json


def main() -> None:
    spec = read_spec("data.json")
    write_json(Path("data/fingerprints", f"{spec['data']}.json"), fingerprint(spec, Path()))


if __name__ == "__main__":
    run(main)
