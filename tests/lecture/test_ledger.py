"""claims.yaml: it is complete, and mistakes in it are refused in one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from ganpipe.config import configuration
from ganpipe.lecture import ledger
from ganpipe.utils.errors import UserError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def raw() -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe", pure=True).load((ROOT / "claims.yaml").read_text(encoding="utf-8"))
    return found


def loaded(raw: dict[str, Any], folder: Path) -> ledger.Ledger:
    path = folder / "claims.yaml"
    with path.open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump(raw, file)
    return ledger.load(path)


def test_every_experiment_is_a_legal_variant_that_fits_its_data() -> None:
    claims, chosen = ledger.load(ROOT / "claims.yaml"), configuration.load(ROOT / "params.yaml")
    assert len(claims.claims) >= 40
    for data, names in claims.experiments.items():
        for name in names:
            claims.experiment(chosen, data, name)


def broken(raw: dict[str, Any], change: str) -> None:
    claim = raw["claims"][0]
    if change == "probe":
        raw["probes"].append("nothing")
    elif change == "unused":
        raw["experiments"]["ring"].append("lsgan")
    elif change == "value":
        claim["rules"] = [{"rule": "within", "value": "no_such.thing", "high": 1.0}]
    elif change == "rule":
        claim["rules"] = [{"rule": "about", "value": "parallel_lines.js_error"}]
    elif change == "id":
        raw["claims"].append(claim)
    elif change == "remark":
        claim["remark"] = "In one language."
    elif change == "settings":
        raw["settings"]["ring"]["nothing"] = {}
    else:
        del claim["zh"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("probe", "there is no probes/nothing.py"),
        ("unused", "no claim reads ring.lsgan: remove it"),
        ("value", "reads 'no_such.thing', but nothing that runs is named no_such"),
        ("rule", "about"),
        ("id", "two claims have the id"),
        ("settings", "settings.ring.nothing is of no experiment"),
        ("remark", "the remark on ae-between is in one language"),
        ("missing", "zh"),
    ],
)
def test_mistakes(raw: dict[str, Any], tmp_path: Path, change: str, sentence: str) -> None:
    broken(raw, change)
    with pytest.raises(UserError, match=sentence):
        loaded(raw, tmp_path)


def test_an_illegal_experiment_names_its_place(raw: dict[str, Any], tmp_path: Path) -> None:
    raw["settings"]["digits"]["lsgan"] = {"steps": 0}
    claims = loaded(raw, tmp_path)
    with pytest.raises(UserError, match=r"claims\.yaml: settings\.digits\.lsgan is illegal.*steps is 0"):
        claims.experiment(configuration.load(ROOT / "params.yaml"), "digits", "lsgan")
