"""The base of every part: strict values, kinds by file name, and no more code loaded than a variant names."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import ValidationError

from ganpipe import parts as params
from ganpipe.config.overlay import merged, read_project
from ganpipe.objectives import Objective
from ganpipe.parts import Choice, Count, Frozen, NonNegative, Part, Positive, Seed, kinds, part_class, refuse

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = [
    "ganpipe.objectives",
    "ganpipe.penalties",
    "ganpipe.constraints",
    "ganpipe.networks.generators",
    "ganpipe.networks.critics",
    "ganpipe.optimizers",
    "ganpipe.schedules",
    "ganpipe.algorithms",
    "ganpipe.conditions",
    "ganpipe.distances",
    "ganpipe.augmentations",
    "ganpipe.networks.encoders",
    "ganpipe.networks.velocities",
    "ganpipe.networks.conditioning",
    "ganpipe.data",
]


class Holder(Frozen):
    objective: Annotated[Objective, Choice("ganpipe.objectives")]


class Numbers(Frozen):
    positive: Positive = 1.0
    non_negative: NonNegative = 0.0
    count: Count = 1
    seed: Seed = 0
    text: str = ""


@pytest.mark.parametrize("package", PACKAGES)
def test_every_module_of_a_package_of_parts_defines_its_kind(package: str) -> None:
    found = kinds(package)
    folder = ROOT.joinpath(*package.split("."))
    assert list(found) == sorted(file.stem for file in folder.glob("[a-z]*.py"))
    for kind in found:
        part = part_class(package, kind)
        assert issubclass(part, Part)
        assert part.__module__ == f"{package}.{kind}"
        assert part.model_fields["kind"].annotation == Literal[kind]
        assert part.__doc__


def test_a_module_without_its_part_is_named() -> None:
    with pytest.raises(TypeError, match=r"ganpipe\.critic defines no part with kind 'critic'"):
        part_class("ganpipe", "critic")


def test_a_part_is_chosen_by_its_kind_and_survives_json() -> None:
    holder = Holder.model_validate({"objective": {"kind": "lsgan", "real": 1, "fake": -1.0, "target": 0.0}})
    assert type(holder.objective).__name__ == "LSGAN"
    text = json.dumps(holder.model_dump(mode="json"))
    assert json.loads(text) == {"objective": {"kind": "lsgan", "real": 1.0, "fake": -1.0, "target": 0.0}}
    assert Holder.model_validate(json.loads(text)) == holder
    assert Holder.model_validate({"objective": holder.objective}) == holder


@pytest.mark.parametrize(
    ("value", "loc", "words"),
    [
        ("lsgan", ("objective",), "should be a mapping with `kind`, one of: began"),
        (None, ("objective",), "should be a mapping with `kind`"),
        ([], ("objective",), "should be a mapping with `kind`"),
        ({}, ("objective",), "lacks the key `kind`, one of: began"),
        ({"kind": "lsgam"}, ("objective", "kind"), "is not a known kind, use one of: began"),
        ({"kind": ["lsgan"]}, ("objective", "kind"), "is not a known kind"),
        ({"kind": None}, ("objective", "kind"), "is not a known kind"),
        ({"kind": "__init__"}, ("objective", "kind"), "is not a known kind"),
        ({"kind": "lsgan", "real": 1.0, "fake": 0.0}, ("objective", "target"), "required"),
        ({"kind": "wgan", "real": 1.0}, ("objective", "real"), "no such key is known: remove it (known: kind)"),
        ({"kind": "lsgan", "real": "1", "fake": 0.0, "target": 1.0}, ("objective", "real"), "valid number"),
        ({"kind": "lsgan", "real": True, "fake": 0.0, "target": 1.0}, ("objective", "real"), "valid number"),
    ],
)
def test_a_wrong_part_is_placed_and_named(value: Any, loc: tuple[str, ...], words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Holder.model_validate({"objective": value})
    first = caught.value.errors()[0]
    assert first["loc"] == loc
    assert words in first["msg"]


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("positive", [1e-300, 1, 2.5], [0, -1.0, math.nan, math.inf, True, "1", None, 10**400]),
        ("non_negative", [0, 0.0, 3], [-1e-9, math.nan, -math.inf, False]),
        ("count", [1, 10**9], [0, -3, 1.0, True, "1", None]),
        ("seed", [0, 2**63 - 1], [-1, 2**63, 0.0, False]),
        ("text", ["", "x"], [1, None, b"x"]),
    ],
)
def test_values_are_strict(name: str, good: list[Any], bad: list[Any]) -> None:
    for value in good:
        assert getattr(Numbers.model_validate({name: value}), name) == value
    for value in bad:
        with pytest.raises(ValidationError):
            Numbers.model_validate({name: value})


def test_a_model_is_immutable_and_knows_its_keys() -> None:
    numbers = Numbers()
    with pytest.raises(ValidationError, match="frozen"):
        numbers.count = 3  # type: ignore[misc]
    with pytest.raises(ValidationError, match="no such key is known: did you mean count"):
        Numbers.model_validate({"cuont": 3})


def test_refuse_is_an_error_at_its_place() -> None:
    (only,) = refuse("does not fit; use {this}", "critic", 0, "kind", value="x").errors()
    assert (only["type"], only["loc"], only["input"]) == ("rule", ("critic", 0, "kind"), "x")
    assert only["msg"] == "does not fit; use {this}"


def test_private_modules_are_no_kinds() -> None:
    assert "_gradient" not in kinds("ganpipe.penalties")
    assert (ROOT / "ganpipe/penalties/_gradient.py").is_file()


SCRIPT = """
import sys
from pathlib import Path
from ganpipe.config.overlay import merged, read_project
from ganpipe.config.variant import Variant

raw = read_project(Path("params.yaml"))
row, form, data = sys.argv[1:]
Variant.model_validate(merged(raw["train"], raw["variants"][row], form, data))
print(*sorted(name for name in sys.modules if name.split(".")[0] in ("ganpipe", "mlflow", "torchvision", "sklearn")))
"""


def test_validating_a_row_imports_its_own_parts_and_no_others() -> None:
    """A training depends on what it imports; were it every loss, a change of one loss would retrain them all."""
    env = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    env["PYTHONPATH"] = str(ROOT)
    command = [sys.executable, "-c", SCRIPT, "lsgan", "points", "ring"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=True)
    loaded = done.stdout.split()
    raw = read_project(ROOT / "params.yaml")
    row = merged(raw["train"], raw["variants"]["lsgan"], "points", "ring")
    named = {
        "ganpipe.objectives": [row["objective"]],
        "ganpipe.penalties": row["penalties"],
        "ganpipe.constraints": row["constraints"],
        "ganpipe.networks.generators": [row["generator"]],
        "ganpipe.networks.critics": [row["critic"]],
        "ganpipe.algorithms": [row["algorithm"]],
        "ganpipe.optimizers": [row["generator_optimizer"], row["critic_optimizer"], row["pretrain"]["optimizer"]],
        "ganpipe.schedules": [row["critic_optimizer"]["lr"], row["generator_optimizer"]["lr"]],
        "ganpipe.conditions": [],
        "ganpipe.distances": [],
        "ganpipe.augmentations": [row["augmentation"]],
        "ganpipe.networks.encoders": [],
        "ganpipe.networks.velocities": [],
        "ganpipe.networks.conditioning": [],
        "ganpipe.data": [],
    }
    assert set(named) == set(PACKAGES)
    for package, parts in named.items():
        kinds_loaded = {kind for kind in kinds(package) if f"{package}.{kind}" in loaded}
        assert kinds_loaded == {part["kind"] for part in parts}
    assert "ganpipe.objectives.wgan" not in loaded
    assert "ganpipe.config.configuration" not in loaded
    assert not {name.split(".")[0] for name in loaded} - {"ganpipe"}


def test_listing_kinds_imports_none_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    imported: list[str] = []
    real_import = params.importlib.import_module
    monkeypatch.setattr(
        params.importlib, "import_module", lambda name, *rest: (imported.append(name), real_import(name, *rest))[1]
    )
    kinds.cache_clear()
    kinds("ganpipe.objectives")
    with pytest.raises(ValidationError):
        Holder.model_validate({"objective": {"kind": "nothing"}})
    assert set(imported) == {"ganpipe.objectives"}
