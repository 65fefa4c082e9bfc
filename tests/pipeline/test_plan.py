"""`ganpipe plan` against reality: what it says will run or be restored is exactly what `dvc repro -P` then does."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from typing import Any

from pipeline_project import ROWS, Project

Edit = Callable[[Project], None]


def carry_out(project: Project) -> dict[str, dict[str, Any]]:
    """Plan, run, compare; returns the plan."""
    planned = project.plan()
    done = project.repro("-P")
    runs = {stage for stage, item in planned.items() if item["verdict"] == "runs"}
    assert runs - {"fingerprint"} == done.ran
    assert {stage for stage, item in planned.items() if item["verdict"] == "restored"} == done.restored
    return planned


def trainings(row: str, *seeds: int) -> set[str]:
    return {f"train@{row}-{seed}" for seed in seeds}


def setting(*path: str | int, value: Any) -> Edit:
    def edit(project: Project) -> None:
        with project.params() as params:
            at = params
            for key in path[:-1]:
                at = at[key]
            at[path[-1]] = value

    return edit


def test_a_formula_concerns_the_rows_that_use_it_and_a_comment_nothing(project: Project) -> None:
    project.edit("ganpipe/objectives/ebgan.py", "return batch.on_fake", "return 2 * batch.on_fake")
    for part in ("objectives/lsgan", "penalties/gradient_penalty", "training/adversarial", "digest"):
        project.edit(f"ganpipe/{part}.py", "\nfrom __future__", "\n# a comment\nfrom __future__")
    planned = carry_out(project)
    assert planned.keys() == {"resolve", *trainings("ebgan", 0, 1), "evaluate@ebgan", "report"}
    assert planned["resolve"]["reason"] == "ganpipe changed"
    assert planned["train@ebgan-0"]["reason"] == "ganpipe.objectives.ebgan changed"
    assert planned["train@ebgan-0"]["seconds"] > 0
    assert planned["evaluate@ebgan"]["reason"] == "train@ebgan-1 and 1 more runs"
    assert project.ganpipe("plan").out == "Everything is up to date: no stage will run.\n"


def test_a_parameter_of_one_row_and_back(project: Project) -> None:
    place = ("variants", "wgan_gp", "generator_optimizer", "lr")
    concerned = {"resolve", *trainings("wgan_gp", 0, 1), "evaluate@wgan_gp", "report"}
    setting(*place, value=0.02)(project)
    planned = carry_out(project)
    assert planned.keys() == concerned
    assert planned["train@wgan_gp-1"]["reason"] == "variant.generator_optimizer.lr: 0.01 -> 0.02"

    setting(*place, value=0.01)(project)
    planned = carry_out(project)
    assert planned.keys() == concerned
    assert {stage for stage, item in planned.items() if item["verdict"] == "runs"} == {"resolve"}
    assert planned["train@wgan_gp-1"]["reason"] == "variant.generator_optimizer.lr: 0.02 -> 0.01"


def test_a_new_seed_and_what_of_it_is_selected(project: Project) -> None:
    with project.params() as params:
        params["seeds"] = [0, 1, 5]
        del params["variants"]["ebgan"]
    kept = (project.root / "runs/digits/lsgan/1/generator.safetensors").read_bytes()
    planned = project.plan()
    selected = {stage for stage, item in planned.items() if item["selected"]}
    assert selected == {"resolve", "train@lsgan-5", "evaluate@lsgan", "summary"}
    assert project.repro().ran == selected
    assert planned["evaluate@lsgan"]["reason"] == "seeds: [0, 1] -> [0, 1, 5]"
    assert json.loads((project.root / "evals/digits/lsgan.json").read_text())["seeds"] == [0, 1, 5]
    assert (project.root / "runs/digits/lsgan/1/generator.safetensors").read_bytes() == kept

    rest = carry_out(project)
    assert rest.keys() == planned.keys() - selected == {"train@wgan_gp-5", "evaluate@wgan_gp", "report"}
    assert rest["train@wgan_gp-5"]["reason"] == "never ran"


def test_a_new_row_and_its_selection(project: Project) -> None:
    with project.params() as params:
        params["variants"]["soft"] = {"title": "Soft GAN", "objective": {"kind": "non_saturating"}}
        params["loss"] = "soft"
    planned = carry_out(project)
    row = {"pretrain@soft", *trainings("soft", 0, 1), "evaluate@soft"}
    assert planned.keys() == {"resolve", "summary", "report"} | row
    assert {planned[stage]["reason"] for stage in row if "evaluate" not in stage} == {"never ran"}


def test_what_was_lost_or_spoilt_is_restored(project: Project) -> None:
    shutil.rmtree(project.root / "runs/digits/ebgan/0")
    history = project.root / "runs/digits/lsgan/1/history.csv"
    spoilt = history.read_text() + "7,0,0,0,0\n"
    history.unlink()
    history.write_text(spoilt)
    (project.root / "evals/digits/ebgan.json").unlink()
    planned = carry_out(project)
    assert {stage: item["reason"] for stage, item in planned.items()} == {
        "train@ebgan-0": "runs/digits/ebgan/0 is not there",
        "train@lsgan-1": "runs/digits/lsgan/1 was changed by hand",
        "evaluate@ebgan": "evals/digits/ebgan.json is not there",
    }
    assert {item["verdict"] for item in planned.values()} == {"restored"}


def test_a_lost_run_is_restored_without_a_run_cache_and_trained_without_its_files(project: Project) -> None:
    """As in a clone after `dvc pull`: the lock files say what the outs were."""
    shutil.rmtree(project.root / ".dvc/cache/runs")
    for row in ("ebgan", "wgan_gp"):
        shutil.rmtree(project.root / "runs/digits" / row / "0")
    weights = project.root / "runs/digits/wgan_gp/1/critic.safetensors"
    digest = hashlib.md5(weights.read_bytes()).hexdigest()
    (project.root / ".dvc/cache/files/md5" / digest[:2] / digest[2:]).unlink()
    planned = project.plan()
    trained = {stage: (item["verdict"], item["reason"]) for stage, item in planned.items() if "train" in stage}
    assert trained == {
        "train@ebgan-0": ("restored", "runs/digits/ebgan/0 is not there"),
        "train@wgan_gp-0": ("restored", "runs/digits/wgan_gp/0 is not there"),
        "train@wgan_gp-1": ("runs", "runs/digits/wgan_gp/1 is not in DVC's cache"),
    }
    done = project.repro("-P")
    assert done.restored == {"train@ebgan-0", "train@wgan_gp-0"}
    # the plan cannot know that the training makes the same samples again, so that their evaluation stands
    assert planned.keys() - done.restored - done.ran == {"evaluate@wgan_gp"}


def test_a_parameter_of_the_evaluation_trains_nothing(project: Project) -> None:
    with project.params() as params:
        params["evaluate"]["neighbours"], params["classifier"]["lr"] = 2, 0.02
    planned = carry_out(project)
    evaluations = {f"evaluate@{row}" for row in ROWS}
    assert planned.keys() == {"resolve", "classifier", "reference", "summary", "report"} | evaluations
    assert planned["classifier"]["reason"] == "params.lr: 0.01 -> 0.02"
    reasons = {planned[stage]["reason"] for stage in evaluations}
    assert reasons == {"classifier.lr: 0.01 -> 0.02; params.neighbours: 3 -> 2"}


def test_before_anything_ran(fresh: Project) -> None:
    planned = fresh.plan()
    # seven stages alone, and of each row pre-training, two trainings and evaluation
    assert len(planned) == 7 + 4 * len(ROWS)
    assert {item["verdict"] for item in planned.values()} == {"runs"}
    table = fresh.ganpipe("plan", "--selected").out
    assert "never ran" in table
    assert table.endswith("10 stages will run, 0 are restored; about 0 s.\n")


def test_where_dvc_cannot_read_the_pipeline(fresh: Project) -> None:
    fresh.edit("dvc.yaml", "stages:", "stagse:")
    refused = fresh.ganpipe("plan", ok=False)
    assert (refused.code, refused.out, refused.err.count("\n")) == (2, "", 1)
    assert refused.err.startswith("ganpipe: DVC cannot read the pipeline ('")
