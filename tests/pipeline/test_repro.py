"""What `dvc repro` and `dvc exp run` run after an edit: what the edit concerns, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pipeline_project import ROWS, Project

pytestmark = pytest.mark.slow


def stages(row: str) -> set[str]:
    return {f"{stage}@{row}" for stage in ("pretrain", "evaluate")} | trainings(row)


def trainings(row: str) -> set[str]:
    return {f"train@{row}-{seed}" for seed in (0, 1)}


def test_only_the_selected_variant_is_trained_and_nothing_twice(steps: Any) -> None:
    first, again, ebgan, back, everything = steps.results
    assert first.ran == {"resolve", "prepare", "classifier", "reference_stats", "summary"} | stages("lsgan")
    assert again.ran == again.restored == set()
    assert ebgan.ran == {"resolve", "summary"} | stages("ebgan")
    assert (back.ran, back.restored) == ({"resolve"}, {"summary"})
    assert everything.ran == {"report"} | stages("wgan_gp")
    one, _, other, *same = steps.metrics
    assert json.loads(one).keys() == json.loads(other).keys()
    assert one != other
    assert set(same) == {one}


def test_only_a_row_that_asks_for_it_is_pretrained(built: Project) -> None:
    files = {row: sorted(path.name for path in (built.root / "pretrained/digits" / row).iterdir()) for row in ROWS}
    alone = ["pretrain.json"]
    assert files == {"lsgan": alone, "wgan_gp": alone, "ebgan": ["critic.safetensors", "pretrain.json"]}
    facts = {row: json.loads((built.root / "pretrained/digits" / row / alone[0]).read_text()) for row in ROWS}
    assert facts["lsgan"]["not_applicable"] == "the variant has no pre-training"
    assert (facts["ebgan"]["not_applicable"], facts["ebgan"]["steps"]) == (None, 4)


def test_an_experiment_trains_what_its_settings_concern(project: Project) -> None:
    changed = project.experiment("loss=wgan_gp", "variants/wgan_gp.yaml:penalties.0.weight=5")
    assert changed.ran == {"resolve", "evaluate@wgan_gp", "summary"} | trainings("wgan_gp")
    run = json.loads((project.root / "runs/digits/wgan_gp/0/run.json").read_text())
    assert run["parameters"]["penalties"][0]["weight"] == 5.0


def test_another_data_set_has_folders_of_its_own(project: Project) -> None:
    before = project.results()
    digits = {path for path in before if "/digits/" in path}
    assert len(digits) > 50
    with project.params() as params:
        params["data"]["kind"] = "ring"
    assert project.repro().ran == {"resolve", "prepare", "classifier", "reference_stats", "summary"} | stages("lsgan")
    assert json.loads((project.root / "classifiers/ring/classifier.json").read_text())["not_applicable"]
    after = project.results()
    assert {path for path in digits if after.get(path) != before[path]} == set()

    with project.params() as params:
        params["data"]["kind"] = "digits"
    back = project.repro()
    # the lock file has forgotten the other paths, and the run cache remembers
    assert (back.ran, back.restored) == (
        {"resolve"},
        {"prepare", "classifier", "reference_stats", "summary"} | stages("lsgan"),
    )
    after = project.results()
    assert {path for path in digits if after.get(path) != before[path]} == set()


def test_the_same_seed_gives_the_same_bits(project: Project) -> None:
    before = project.results()
    forced = project.repro("--force", "--single-item", "stages/dvc.yaml:train@ebgan-0")
    assert forced.ran == {"train@ebgan-0"}
    after = project.results()
    assert {path for path in before if path.startswith("runs/") and after[path] != before[path]} == set()


@pytest.mark.slow
def test_an_experiment_that_is_applied_is_complete_while_other_variants_have_not_run(fresh: Project) -> None:
    """As docs/dvc.md says: DVC counts what other variants have not made as missing."""
    fresh.repro()
    fresh.commit()
    fresh.dvc("exp", "run", "summary", "--temp", "-S", "loss=wgan_gp", "-n", "one")
    fresh.dvc("exp", "apply", "one", ok=None)
    assert (fresh.plan("--selected"), fresh.repro().ran) == ({}, set())
    assert (fresh.root / "reports/digits/wgan_gp.html").is_file()
    fresh.dvc("checkout", "--allow-missing")
