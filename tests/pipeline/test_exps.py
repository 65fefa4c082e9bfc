"""`ganpipe exps`: what stands in git of each experiment, as a person reads it."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pipeline_project import SOURCE, Project

from ganpipe.pipeline.exps import experiments, print_table
from ganpipe.utils.errors import UserError

PARAMS = "loss: lsgan\nseeds: [0, 1]\ntrain:\n  steps: 100\n"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git repository with params.yaml and a variant, in which nothing has run."""
    for who in ("AUTHOR", "COMMITTER"):
        for what in ("NAME", "EMAIL"):
            monkeypatch.setenv(f"GIT_{who}_{what}", "test@example.org")
    git(tmp_path, "init", "--quiet")
    write(
        tmp_path, {"params.yaml": PARAMS, "variants/lsgan.yaml": "ema: 0.5\npenalties:\n- weight: 1.0\n- weight: 2.0\n"}
    )
    commit(tmp_path)
    return tmp_path


def git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True).stdout.strip()


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)


def commit(root: Path) -> str:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "state")
    return git(root, "rev-parse", "HEAD")


def keep_as(root: Path, name: str) -> None:
    """Make the work tree an experiment, as DVC does, and go back."""
    head = git(root, "rev-parse", "HEAD")
    made = commit(root)
    git(root, "update-ref", f"refs/exps/{head[:2]}/{head[2:]}/{name}", made)
    git(root, "reset", "--quiet", "--hard", head)


def test_what_was_overridden_and_what_came_of_it(repository: Path) -> None:
    metrics = {"frechet": {"mean": 12.34, "low": 11.0, "high": 13.68}, "recall": {"mean": 0.5}, "status": "ok"}
    changed = PARAMS.replace("lsgan", "wgan").replace("[0, 1]", "[0, 1, 2]").replace("  steps: 100", "  lr: 0.1")
    variant = "ema: 0.5\npenalties:\n- weight: 1.0\n- weight: 5\n"
    write(repository, {"params.yaml": changed, "variants/lsgan.yaml": variant, "metrics.json": json.dumps(metrics)})
    keep_as(repository, "odd-name")
    git(repository, "update-ref", "refs/exps/stash", "HEAD")
    workspace, head, experiment = experiments(repository)
    assert (workspace.name, head.name) == ("workspace", "HEAD")
    assert workspace.overrides == head.overrides == {}
    assert (head.loss, head.metric, head.value()) == ("lsgan", None, "")
    assert (experiment.name, experiment.loss, experiment.status) == ("odd-name", "wgan", "ok")
    assert experiment.overrides == {
        "seeds": "[0, 1, 2]",
        "train.lr": "0.1",
        "train.steps": None,
        "variants/lsgan.yaml:penalties.1.weight": "5",
    }
    assert (experiment.metric, experiment.value()) == ("frechet", "12.3 ± 1.3")


def test_a_baseline_without_results_is_said_to_have_none(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = "HEAD has no results to compare with."
    print_table(experiments(repository))
    assert said not in capsys.readouterr().out  # nothing has any
    write(repository, {"metrics.json": '{"frechet": {"mean": 3}}'})
    print_table(experiments(repository))
    assert said in capsys.readouterr().out
    commit(repository)
    print_table(experiments(repository))
    assert said not in capsys.readouterr().out


def test_experiments_belong_to_a_commit(repository: Path) -> None:
    write(repository, {"params.yaml": PARAMS.replace("100", "200"), "metrics.json": '{"frechet": {"mean": 3}}'})
    keep_as(repository, "older")
    write(repository, {"more": ""})
    commit(repository)
    write(repository, {"variants/new.yaml": "ema: 1\n", "params.yaml": "loss: [", "metrics.json": "{"})
    assert [experiment.name for experiment in experiments(repository)] == ["workspace", "HEAD"]
    workspace, _, older = experiments(repository, every=True)
    assert (workspace.loss, workspace.value()) == ("?", "")
    assert (older.overrides, older.value()) == ({"train.steps": "200"}, "3")


def test_outside_of_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(UserError, match="no git repository"):
        experiments(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="git was not found"):
        experiments(tmp_path)


@pytest.mark.slow
def test_under_dvc_with_one_that_waits(project: Project) -> None:
    project.experiment("variants/lsgan.yaml:objective.real=0.9")
    project.dvc("exp", "run", "--queue", "--name", "waiting", "-S", "loss=ebgan")
    table: dict[str, Any] = {row["name"]: row for row in json.loads(project.ganpipe("exps", "--json").out)}
    (name,) = table.keys() - {"workspace", "HEAD", "waiting"}
    overrides = {"variants/lsgan.yaml:objective.real": "0.9"}  # of the work tree, with which the other one was queued
    assert table[name]["overrides"] == table["waiting"]["overrides"] == overrides
    assert (table["waiting"]["loss"], table["waiting"]["status"], table["waiting"]["mean"]) == ("ebgan", "queued", None)
    assert table[name]["metric"] == "frechet"
    assert table[name]["mean"] != table["HEAD"]["mean"]
    assert name in project.ganpipe("exps").out
    (command,) = re.findall(r"^\$ dvc (exp show .*)$", (SOURCE / "docs/results.md").read_text(), re.MULTILINE)
    shown = project.dvc(*shlex.split(command), "--csv").out  # a table for people cuts names short
    assert name in shown
    assert "frechet.mean" in shown
