"""The JSON schemas by which editors complete: they accept what the repository holds and refuse unknown keys."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from ganpipe.cli import app
from ganpipe.config.overlay import read_yaml
from ganpipe.config.schema import schemas

ROOT = Path(__file__).resolve().parents[1]
SCHEMAS = schemas()
PARAMS, VARIANT = (Draft202012Validator(SCHEMAS[name]) for name in ("params.json", "variant.json"))


def test_the_files_of_the_repository_are_valid() -> None:
    for validator, files in ((PARAMS, [ROOT / "params.yaml"]), (VARIANT, (ROOT / "variants").glob("*.yaml"))):
        validator.check_schema(validator.schema)
        for file in files:
            assert [error.message for error in validator.iter_errors(read_yaml(file))] == [], file


@pytest.mark.parametrize(
    ("validator", "file", "change"),
    [
        (VARIANT, "variants/lsgan.yaml", lambda row: row.update(stepz=3)),
        (VARIANT, "variants/lsgan.yaml", lambda row: row["objective"].update(unheard=1)),
        (VARIANT, "variants/lsgan.yaml", lambda row: row["objective"].update(kind="unheard")),
        (VARIANT, "variants/lsgan.yaml", lambda row: row["overrides"]["images"].update(steps=-1)),
        (VARIANT, "variants/r3gan.yaml", lambda row: row["critic_optimizer"]["lr"].update(start=-5.0)),
        (VARIANT, "variants/r3gan.yaml", lambda row: row["penalties"][0]["weight"].update(end=-0.5)),
        (VARIANT, "variants/r3gan.yaml", lambda row: row["ema"].update(end=1.0)),
        (VARIANT, "variants/wgan_gp.yaml", lambda row: row.update(extends="../wgan")),
        (PARAMS, "params.yaml", lambda params: params["train"].update(batch="many")),
        (PARAMS, "params.yaml", lambda params: params["datasets"]["ring"].update(modes=8.5)),
        (PARAMS, "params.yaml", lambda params: params.update(seeds=[-1])),
        (PARAMS, "params.yaml", lambda params: params.update(variants=[])),
        (PARAMS, "params.yaml", lambda params: params.pop("loss")),
        (PARAMS, "params.yaml", lambda params: params.update(extra={})),
    ],
)
def test_a_mistake_is_refused(validator: Any, file: str, change: Callable[[Any], object]) -> None:
    changed = copy.deepcopy(read_yaml(ROOT / file))
    change(changed)
    assert not validator.is_valid(changed)


def test_the_command_writes_them_where_the_yaml_files_look(tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["schema", "-o", str(tmp_path)]).exit_code == 0
    assert {file.name: json.loads(file.read_text()) for file in tmp_path.iterdir()} == SCHEMAS
    for file in (ROOT / "params.yaml", *(ROOT / "variants").glob("*.yaml")):
        comment = file.read_text(encoding="utf-8").splitlines()[0]
        start, _, place = comment.partition("$schema=")
        if start == "# yaml-language-server: ":
            assert (file.parent / place).resolve() in {ROOT / ".cache/schema" / name for name in SCHEMAS}
