"""`ganpipe plan` against reality: what `dvc repro -P` then runs or restores is what was planned."""

from __future__ import annotations

import shutil
from typing import Any

import pytest
from pipeline_project import ROWS, Project


def carry_out(project: Project) -> dict[str, dict[str, Any]]:
    """Plan, run, compare; returns the plan."""
    planned = project.plan()
    done = project.repro("-P")
    assert planned.keys() - {"fingerprint"} == done.ran | done.restored
    return planned


def trainings(row: str, *seeds: int) -> set[str]:
    return {f"train@{row}-{seed}" for seed in seeds}


def test_before_anything_ran(fresh: Project) -> None:
    planned = fresh.plan()
    # seven stages alone, and of each variant pre-training, two trainings and evaluation
    assert len(planned) == 7 + 4 * len(ROWS)
    assert {item["reason"] for item in planned.values()} == {"never ran"}
    table = fresh.ganpipe("plan", "--selected").out
    assert "never ran" in table
    assert table.endswith("10 stages run, or are restored from DVC's run cache; none was timed.\n")
    assert not (fresh.root / "data/specs").exists()


def test_where_dvc_cannot_read_the_pipeline(fresh: Project) -> None:
    fresh.edit("dvc.yaml", "stages:", "stagse:")
    refused = fresh.ganpipe("plan", ok=False)
    assert (refused.code, refused.out, refused.err.count("\n")) == (2, "", 1)
    assert refused.err.startswith("ganpipe: DVC cannot read the pipeline ('")


@pytest.mark.slow
def test_an_edit_concerns_the_rows_that_use_it_and_a_comment_nothing(project: Project) -> None:
    """A formula of one variant, a parameter of another, and comments."""
    project.edit("ganpipe/objectives/ebgan.py", "return batch.fake_output", "return 2 * batch.fake_output")
    for part in ("objectives/lsgan", "penalties/gradient_penalty", "utils/code_hash"):
        project.edit(f"ganpipe/{part}.py", "\nfrom __future__", "\n# a comment\nfrom __future__")
    with project.params() as params:
        params["variants"]["wgan_gp"]["generator_optimizer"]["lr"] = 0.02
    planned = carry_out(project)
    rows = {stage for row in ("ebgan", "wgan_gp") for stage in (*trainings(row, 0, 1), f"evaluate@{row}")}
    assert planned.keys() == {"resolve", "report"} | rows
    assert planned["resolve"]["reason"] == "variants changed, ganpipe changed"
    assert planned["train@ebgan-0"]["reason"] == "ganpipe.objectives.ebgan changed"
    assert planned["train@ebgan-0"]["seconds"] > 0
    assert planned["train@wgan_gp-1"]["reason"] == "parameters.generator_optimizer.lr: 0.01 -> 0.02"
    assert planned["evaluate@ebgan"]["reason"] == "depends on train@ebgan-0 and 1 more"
    assert project.ganpipe("plan").out == "Everything is up to date: no stage will run.\n"


@pytest.mark.slow
def test_a_new_seed_and_a_vanished_row_and_what_of_it_is_selected(project: Project) -> None:
    with project.params() as params:
        params["seeds"] = [0, 1, 5]
        params["evaluate"]["baseline_draws"] = 3
        del params["variants"]["ebgan"]
    planned = project.plan()
    selected = {stage for stage, item in planned.items() if item["selected"]}
    assert selected == {"resolve", "reference_stats", "train@lsgan-5", "evaluate@lsgan", "summary"}
    assert project.plan("--selected") == {stage: planned[stage] for stage in selected}
    assert project.repro().ran == selected
    assert planned["evaluate@lsgan"]["reason"] == "params.baseline_draws: 2 -> 3; seeds: [0, 1] -> [0, 1, 5]"
    rest = carry_out(project)
    assert rest.keys() == planned.keys() - selected == {"train@wgan_gp-5", "evaluate@wgan_gp", "report"}
    assert rest["train@wgan_gp-5"]["reason"] == "never ran"


@pytest.mark.slow
def test_what_was_lost_or_spoilt_is_restored(project: Project) -> None:
    shutil.rmtree(project.root / "runs/digits/ebgan/0")
    history = project.root / "runs/digits/lsgan/1/history.csv"
    spoilt = history.read_text() + "7,0,0,0,0\n"
    history.unlink()
    history.write_text(spoilt)
    (project.root / "evals/digits/wgan_gp.json").unlink()
    planned = project.plan()
    assert {stage: item["reason"] for stage, item in planned.items()} == {
        "train@ebgan-0": "runs/digits/ebgan/0 is missing",
        "train@lsgan-1": "runs/digits/lsgan/1 changed",
        "evaluate@ebgan": "depends on train@ebgan-0",
        "evaluate@lsgan": "depends on train@lsgan-1",
        "evaluate@wgan_gp": "evals/digits/wgan_gp.json is missing",
        "summary": "depends on evaluate@lsgan and 1 more",
        "report": "depends on evaluate@ebgan and 4 more",
    }
    # the same files as before, so DVC stops there: the plan is an upper bound
    done = project.repro("-P")
    assert (done.ran, done.restored) == (set(), {"train@ebgan-0", "train@lsgan-1", "evaluate@wgan_gp"})


@pytest.mark.slow
def test_clocks_and_specs_that_are_broken(project: Project) -> None:
    files = [*(project.root / "timings").rglob("*.json"), *(project.root / "data/specs").rglob("*.json")]
    for number, file in enumerate(files):
        file.unlink()
        file.write_bytes((b"", b"{", b"[]", b"\xff", b'{"seconds": "x"}', b"3")[number % 6])
    assert project.plan()["resolve"]["reason"] == "data/specs changed"
