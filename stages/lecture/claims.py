"""The verdict on each claim, and the lecture page."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import cache
from pathlib import Path

from ganpipe.lecture import ledger
from ganpipe.lecture.page import lecture_page
from ganpipe.lecture.rules import judge
from ganpipe.pipeline.stage import run
from ganpipe.training.checkpoint_dir import prune_checkpoints
from ganpipe.utils.errors import UserError
from ganpipe.utils.io import write_bytes, write_json
from stages.lecture import LECTURE, read

PAGE = Path("reports/lecture.html")


@cache
def values_of(source: str) -> dict[str, float | list[float | None]]:
    """What a probe, or an experiment as data.name, was measured as."""
    folder = Path("probes", source) if "." not in source else Path("experiments", *source.split(".", 1))
    found: dict[str, float | list[float | None]] = json.loads(
        (LECTURE / folder / "values.json").read_text(encoding="utf-8")
    )
    return found


def value(name: str) -> list[float | None]:
    """The numbers of a value by its name. Raises UserError where nothing of the name was measured."""
    source = ledger.source_of(name)
    measured, key = values_of(source), name.removeprefix(f"{source}.")
    if key not in measured:
        raise UserError(
            f"{ledger.FILE} reads {name}, which was not measured: {source} has {', '.join(sorted(measured))}."
        )
    found = measured[key]
    return found if isinstance(found, list) else [found]


def main() -> None:
    read("claims.json")
    claims = ledger.load(Path(ledger.FILE))
    verdicts = judge({one.id: (one.rules, one.requires) for one in claims.claims}, value)
    page = lecture_page(claims, verdicts, value, LECTURE)
    write_json(
        LECTURE / "claims.json",
        {name: asdict(one) | {"unmet": one.unmet and one.unmet[0]} for name, one in verdicts.items()},
    )
    write_bytes(PAGE, page.encode())
    prune_checkpoints("lecture", "*")
    for name, one in verdicts.items():
        print(f"{one.status:>18}  {name}")
    print(f"page: {PAGE}")


if __name__ == "__main__":
    run(main)
