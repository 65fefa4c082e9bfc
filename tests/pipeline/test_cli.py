"""The commands of `ganpipe`, as a person runs them."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from PIL import Image
from pipeline_project import ROWS, SOURCE, Project


def refusal(project: Project, *command: str) -> str:
    """The one sentence that a refused command says."""
    refused = project.ganpipe(*command, ok=False)
    assert (refused.code, refused.out, refused.err.count("\n")) == (2, "", 1)
    assert refused.err.startswith("ganpipe: ")
    return refused.err.removeprefix("ganpipe: ").rstrip("\n")


def test_help_imports_nothing_that_is_slow() -> None:
    """In an interpreter of its own: `ganpipe --help` answers before torch, MLflow or DVC are loaded."""
    code = (
        "import sys, ganpipe.cli\n"
        "try: ganpipe.cli.app(['--help'])\n"
        "except SystemExit as end: assert not end.code\n"
        "slow = {'torch', 'torchvision', 'mlflow', 'dvc', 'grimp', 'pydantic', 'numpy', 'matplotlib', 'ruamel.yaml'}\n"
        "print('slow:', sorted(slow & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=SOURCE, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("slow: []\n")
    for command in ("check", "plan", "sweep", "variants", "sample", "schema", "page", "clean", "track", "ui"):
        assert f" {command} " in done.stdout


def test_check_says_what_it_found(fresh: Project) -> None:
    expected = f"params.yaml is valid: {len(ROWS)} variants, 2 seeds, data digits.\n"
    assert fresh.ganpipe("check").out == expected
    # the one of the repository is valid, too
    assert " is valid: " in fresh.ganpipe("check", "--params", str(SOURCE / "params.yaml")).out
    assert refusal(fresh, "check", "--params", "nowhere.yaml").startswith("nowhere.yaml is not there: ")


def test_variants_as_a_table_and_as_json(fresh: Project) -> None:
    rows = json.loads(fresh.ganpipe("variants", "--json").out)
    assert [row["row"] for row in rows] == list(ROWS)
    wgan_gp = rows[1]
    assert (wgan_gp["objective"], wgan_gp["penalties"], wgan_gp["selected"]) == (
        "wgan",
        ["gradient_penalty"],
        False,
    )
    assert [row["row"] for row in rows if row["selected"]] == ["lsgan"]
    assert {row["pretrain"] for row in rows} == {0, 4}
    table = fresh.ganpipe("variants").out
    for row in rows:
        assert row["title"] in table
        assert row["objective"] in table


def test_variants_says_what_does_not_fit_the_data(fresh: Project) -> None:
    with fresh.params() as params:
        params["data"]["kind"] = "ring"
        for player in ("generator", "critic"):
            params["variants"]["lsgan"][player] = dict(params["train"]["overrides"]["images"][player])
    rows = {row["row"]: row for row in json.loads(fresh.ganpipe("variants", "--json").out)}
    assert rows["wgan_gp"]["not_applicable"] is None
    assert "images" in rows["lsgan"]["not_applicable"]
    assert f"not applicable: {rows['lsgan']['not_applicable']}" in fresh.ganpipe("variants").out


def test_sample_draws_a_picture(project: Project) -> None:
    assert project.ganpipe("sample", "lsgan/0", "-n", "4", "-o", "four.png").out == "four.png\n"
    four = (project.root / "four.png").read_bytes()
    with Image.open(project.root / "four.png") as picture:
        assert picture.format == "PNG"
        assert picture.width == picture.height > 16
    project.ganpipe("sample", "runs/digits/lsgan/0", "-n", "9", "--raw", "--seed", "1", "-o", "nine.png")
    assert (project.root / "nine.png").read_bytes() != four
    project.ganpipe("sample", "lsgan/0", "-n", "4", "-o", "again.png")
    assert (project.root / "again.png").read_bytes() == four
    assert refusal(project, "sample", "lsgan/7").startswith("runs/digits/lsgan/7 is not a run, it has no run.json: ")
    assert refusal(project, "sample", "lsgan/0", "-o", "grid.jpg").startswith(
        "--output is grid.jpg, which is not a PNG"
    )


def test_page_says_where_it_is(project: Project) -> None:
    reports = project.root / "reports/digits"
    assert project.ganpipe("page").out == f"The page: {reports / 'lsgan.html'}\n"
    assert project.ganpipe("page", "--zoo").out == f"The page: {reports / 'zoo.html'}\n"
    (reports / "lsgan.html").unlink()
    assert refusal(project, "page") == "reports/digits/lsgan.html is not there: run `dvc repro` first."


@pytest.mark.parametrize("command", ["check", "plan", "variants", "sample lsgan/0", "page", "clean"])
def test_outside_of_a_project(project: Project, command: str) -> None:
    (project.root / "params.yaml").unlink()
    assert refusal(project, *command.split()).startswith("params.yaml is not there: ")
