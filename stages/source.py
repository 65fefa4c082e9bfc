"""Look at what lies where the data is read from: DVC itself watches nothing outside its dependencies."""

from __future__ import annotations

from pathlib import Path

from ganpipe.files import write_json
from ganpipe.sources import source
from ganpipe.stage import read_spec, run


def main() -> None:
    spec = read_spec("data.json")
    write_json(Path("data/sources", f"{spec['data']}.json"), source(spec, Path()))


if __name__ == "__main__":
    run(main)
