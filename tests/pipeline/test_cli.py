"""The commands of `ganpipe`, as a person runs them."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from pipeline_project import ROWS, SOURCE, Project
from running import Commands

from ganpipe import __version__, cli
from ganpipe.pipeline import clean as cleaning
from ganpipe.utils.errors import ResourceError


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
    for command in (
        "check",
        "plan",
        "sweep",
        "variants",
        "sample",
        "evaluate",
        "schema",
        "page",
        "clean",
        "track",
        "ui",
    ):
        assert f" {command} " in done.stdout


def test_check_says_what_it_found(blank: Project, commands: Commands) -> None:
    assert commands(blank, "check").out == f"params.yaml is valid: {len(ROWS)} variants, 2 seeds, data digits.\n"
    # that of the repository is valid, too
    assert " is valid: " in commands(blank, "check", "--params", str(SOURCE / "params.yaml")).out


def test_variants_as_a_table_and_as_json(fresh: Project, commands: Commands) -> None:
    rows = json.loads(commands(fresh, "variants", "--json").out)
    assert [row["variant"] for row in rows] == list(ROWS)
    wgan_gp = rows[1]
    found = wgan_gp["objective"], wgan_gp["penalties"], wgan_gp["selected"]
    assert found == ("wgan", ["gradient_penalty"], False)
    assert [row["variant"] for row in rows if row["selected"]] == ["lsgan"]
    assert {row["pretrain"] for row in rows} == {0, 4}
    with fresh.params() as params:
        params["data"]["kind"] = "ring"
        params["variants"]["lsgan"].pop("overrides")  # of a critic for points
        for network in ("generator", "critic"):
            params["variants"]["lsgan"][network] = dict(params["train"]["overrides"]["images"][network])
    rows = json.loads(commands(fresh, "variants", "--json").out)
    reasons = {row["variant"]: row["not_applicable"] for row in rows}
    assert reasons["wgan_gp"] is None
    assert "images" in reasons["lsgan"]
    table = commands(fresh, "variants").out
    for word in (f"not applicable: {reasons['lsgan']}", *(row["objective"] for row in rows[1:])):
        assert word in table


def test_version_and_completion(fresh: Project, commands: Commands) -> None:
    assert commands(fresh, "--version") == (0, f"ganpipe {__version__}\n", "")
    asked = {"_GANPIPE_COMPLETE": "complete_bash", "COMP_WORDS": "ganpipe swe", "COMP_CWORD": "1"}  # as bash does
    command = [sys.executable, "-c", "import sys; sys.argv = ['ganpipe']; from ganpipe.cli import main; main()"]
    done = subprocess.run(
        command, env=fresh.environment | asked, cwd=SOURCE, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["sweep"]


def test_page_says_where_it_is(fresh: Project, commands: Commands) -> None:
    reports = fresh.root / "reports/digits"
    assert commands.refusal(fresh, "page") == "reports/digits/lsgan.html is not there: run `dvc repro` first."
    assert (
        commands.refusal(fresh, "page", "--zoo") == "reports/digits/zoo.html is not there: run `ganpipe sweep` first."
    )
    reports.mkdir(parents=True)
    for name, arguments in (("lsgan", []), ("zoo", ["--zoo"])):
        (reports / f"{name}.html").touch()
        assert commands(fresh, "page", *arguments).out == f"The page: {reports / name}.html\n"


@pytest.mark.slow
def test_sample_draws_a_picture(project: Project, commands: Commands) -> None:
    assert commands(project, "sample", "lsgan/0", "-n", "4", "-o", "four.png").out == "four.png\n"
    four = (project.root / "four.png").read_bytes()
    with Image.open(project.root / "four.png") as picture:
        assert picture.format == "PNG"
        assert picture.width == picture.height > 16
    commands(project, "sample", "runs/digits/lsgan/0", "-n", "9", "--raw", "--seed", "1", "-o", "nine.png")
    assert (project.root / "nine.png").read_bytes() != four
    commands(project, "sample", "lsgan/0", "-n", "4", "-o", "again.png")
    assert (project.root / "again.png").read_bytes() == four
    run = project.root / "runs/digits/lsgan/0"
    file = run / "generator_ema.safetensors"
    good = file.read_bytes()
    for content in (b"", b"{", b"[]", b"\xff\xfe", good[: len(good) // 2]):
        file.unlink()  # a link into DVC's cache
        file.write_bytes(content)
        assert f"{file.relative_to(project.root)} cannot be " in commands.refusal(project, "sample", "lsgan/0")


BAD: dict[str, tuple[list[str], str]] = {
    "unknown run": (["sample", "lsgan/99"], "runs/digits/lsgan/99 is not a run, it has no run.json: "),
    "a run of a path": (["sample", "../../../etc"], "is not a run"),
    "a run of two lines": (["sample", "a\nb\x1b[31m"], r"runs/digits/a\nb\x1b[31m is not a run"),
    "a long run": (["sample", "x" * 5000], "/run.json cannot be read ("),
    "no params": (["check", "--params", "nowhere.yaml"], "nowhere.yaml is not there: "),
    "params a folder": (["variants", "--params", "stages"], "stages cannot be read (Is a directory): "),
    "params no YAML": (["variants", "--params", "dvc.yaml"], " "),
    "nowhere to write": (["schema", "-o", "dvc.yaml/x.json"], "--output is dvc.yaml/x.json, which cannot be "),
}


@pytest.mark.parametrize(("command", "says"), BAD.values(), ids=BAD)
def test_a_bad_argument_is_one_sentence(blank: Project, commands: Commands, command: list[str], says: str) -> None:
    assert says in commands.refusal(blank, *command)


@pytest.mark.parametrize("command", ["nothing", "check --nothing", "sample", "ui --port 0"])
def test_a_command_that_there_is_not(blank: Project, commands: Commands, command: str) -> None:
    """The command line's own words, which show how it is used."""
    refused = commands(blank, *command.split())
    assert (refused.code, refused.out) == (2, "")
    assert "Usage: " in refused.err


@pytest.mark.parametrize("params", [None, "{}", "data: 3", "data: {kind: 3}", "[]", "\tx"])
def test_a_project_without_params_or_with_useless_ones(fresh: Project, commands: Commands, params: str | None) -> None:
    (fresh.root / "params.yaml").unlink()
    if params is not None:
        (fresh.root / "params.yaml").write_text(params)
    every = ["check", "plan", "variants", "clean"] if params is None else []
    for command in (*every, "page", "sample lsgan/0 -o x.png"):
        sentence = commands.refusal(fresh, *command.split())
        assert params is not None or sentence.startswith("params.yaml is not there: ")


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "a file cannot be written (No space left on device): make"),
        (OSError(errno.EACCES, "Permission denied", "runs/x"), "runs/x cannot be written (Permission denied): allow"),
        (ResourceError("lsgan/0 ran out of memory: try 32."), "lsgan/0 ran out of memory: try 32."),
        (MemoryError(), "not enough memory (an array did not fit): end other programs"),
    ],
)
def test_a_machine_out_of_disk_memory_or_permission(
    error: BaseException, sentence: str, commands: Commands, blank: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def clean(*_: object) -> None:
        raise error

    monkeypatch.setattr(cleaning, "clean", clean)
    said = commands(blank, "clean")
    assert said.code == 1
    assert said.err.startswith(f"ganpipe: {sentence}")
    assert said.err.endswith(".\n")
    assert said.err.count("\n") == 1


def test_another_error_keeps_its_traceback(commands: Commands, blank: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    for error in (
        FileNotFoundError(errno.ENOENT, "No such file", "x"),
        PermissionError(errno.EACCES, "Permission denied"),  # of a port, say
        RuntimeError("shapes"),
    ):

        def fail(path: Path, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(cli, "_checked", fail)
        with pytest.raises(type(error)):
            commands(blank, "clean")
