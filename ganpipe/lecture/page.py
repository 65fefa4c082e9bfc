"""The lecture page: each claim as a sentence, a picture, what was measured and a verdict, in English and Chinese."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from ganpipe.lecture.ledger import DATA, Claim, Ledger, source_of
from ganpipe.lecture.pictures import samples, strips, svg_uri
from ganpipe.lecture.rules import Status, Values, Verdict
from ganpipe.report.pictures import Picture

STATUS_ZH: dict[Status, str] = {
    "supported": "成立",
    "refuted": "不成立",
    "not resolved": "未定",
    "not testable here": "此处无法检验",
}
MOST_GRIDS = 4


@dataclass(frozen=True)
class Shown:
    """A claim as the template shows it. figures: SVGs as data URIs, names, whether panels in a row. commands: what runs
    it again."""

    claim: Claim
    verdict: Verdict
    figures: tuple[tuple[str, str, bool], ...]
    grids: tuple[Picture, ...]
    commands: tuple[str, ...]


def lecture_page(ledger: Ledger, verdicts: Mapping[str, Verdict], values: Values, folder: Path) -> str:
    """The page as HTML, which opens offline. folder: `lecture`, with the results of probes and experiments."""
    shown = {claim.id: _shown(claim, verdicts[claim.id], values, folder) for claim in ledger.claims}
    environment = Environment(
        loader=ChoiceLoader([PackageLoader("ganpipe.lecture"), PackageLoader("ganpipe.report")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    chapters = [
        (chapter, [one for one in shown.values() if one.claim.chapter == chapter.id]) for chapter in ledger.chapters
    ]
    return environment.get_template("lecture.html.j2").render(
        chapters=[(chapter, claims) for chapter, claims in chapters if claims],
        counts=[(status, STATUS_ZH[status], n) for status, n in _counts(verdicts)],
        status_zh=STATUS_ZH,
        total=len(shown),
    )


def _counts(verdicts: Mapping[str, Verdict]) -> list[tuple[Status, int]]:
    found = Counter(verdict.status for verdict in verdicts.values())
    return [(status, found[status]) for status in STATUS_ZH if found[status]]


def _shown(claim: Claim, verdict: Verdict, values: Values, folder: Path) -> Shown:
    sources = list(dict.fromkeys(map(source_of, claim.names)))
    figures: list[tuple[str, str, bool]] = []
    grids: list[Picture] = []
    commands: list[str] = []
    for source in sources:
        data, _, name = source.partition(".")
        if data in DATA:
            commands.append(f"dvc repro -s stages/lecture/dvc.yaml:{data}@claims-{name}")
            if len(grids) < MOST_GRIDS and (grid := samples(folder / "experiments" / data / name, f"{data}: {name}")):
                grids.append(grid)
        else:
            commands.append(f"dvc repro -s stages/lecture/dvc.yaml:probe@claims-{source}")
            figures.append((svg_uri((folder / "probes" / source / "figure.svg").read_bytes()), source, True))
    if trained := [rule for rule in verdict.rules if rule.names[0].split(".")[0] in DATA]:
        figures.append((svg_uri(strips(trained, values)), claim.id, False))
    return Shown(claim, verdict, tuple(figures), tuple(grids), tuple(commands))
