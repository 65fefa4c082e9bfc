"""Fingerprint the files that the data is read from: DVC itself watches nothing outside its dependencies."""

from __future__ import annotations

from pathlib import Path

from ganpipe.files import write_json
from ganpipe.fingerprint import fingerprint
from ganpipe.stage import read_spec, run


def main() -> None:
    spec = read_spec("data.json")
    write_json(Path("data/fingerprints", f"{spec['data']}.json"), fingerprint(spec, Path()))


if __name__ == "__main__":
    run(main)
