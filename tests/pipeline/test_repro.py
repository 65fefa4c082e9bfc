"""What `dvc repro` and `dvc exp run` run after an edit: what the edit concerns, and nothing else."""

from __future__ import annotations

import json

from pipeline_project import Project


def stages(row: str) -> set[str]:
    return {f"{stage}@{row}" for stage in ("pretrain", "evaluate")} | trainings(row)


def trainings(row: str) -> set[str]:
    return {f"train@{row}-{seed}" for seed in (0, 1)}


def test_only_the_selected_variant_is_trained_and_nothing_twice(fresh: Project) -> None:
    assert fresh.repro().ran == {"resolve", "prepare", "classifier", "headline"} | stages("lsgan")
    assert not fresh.repro().ran
    assert (fresh.root / "reports/digits/lsgan.html").is_file()
    metrics = fresh.root / "metrics.json"
    before = metrics.read_text()
    # the row without pre-training has said so, without weights
    assert [path.name for path in (fresh.root / "pretrained/digits/lsgan").iterdir()] == ["pretrain.json"]

    with fresh.params() as params:
        params["loss"] = "ebgan"
    assert fresh.repro().ran == {"resolve", "headline"} | stages("ebgan")
    pretrained = json.loads((fresh.root / "pretrained/digits/ebgan/pretrain.json").read_text())
    assert (pretrained["not_applicable"], pretrained["steps"]) == (None, 4)
    assert metrics.read_text() != before

    with fresh.params() as params:
        params["loss"] = "lsgan"
    back = fresh.repro()
    assert (back.ran, back.restored) == ({"resolve"}, {"headline"})
    assert metrics.read_text() == before


def test_an_experiment_trains_what_its_settings_concern(project: Project) -> None:
    changed = project.experiment("loss=wgan_gp", "variants.wgan_gp.penalties.0.weight=5")
    assert changed.ran == {"resolve", "evaluate@wgan_gp", "headline"} | trainings("wgan_gp")
    run = json.loads((project.root / "runs/digits/wgan_gp/0/run.json").read_text())
    assert run["parameters"]["penalties"][0]["weight"] == 5.0


def test_seeds_come_and_go_one_by_one(project: Project) -> None:
    kept = (project.root / "runs/digits/lsgan/1/generator.safetensors").read_bytes()
    evaluation = project.root / "evals/digits/lsgan.json"
    with project.params() as params:
        params["seeds"].append(7)
    assert project.repro().ran == {"resolve", "train@lsgan-7", "evaluate@lsgan", "headline"}
    assert (project.root / "runs/digits/lsgan/1/generator.safetensors").read_bytes() == kept
    assert json.loads(evaluation.read_text())["seeds"] == [0, 1, 7]

    with project.params() as params:
        params["seeds"].remove(0)
    assert project.repro().ran == {"resolve", "evaluate@lsgan", "headline"}
    assert json.loads(evaluation.read_text())["seeds"] == [1, 7]


def test_another_data_set_has_folders_of_its_own(project: Project) -> None:
    before = project.results()
    digits = {path for path in before if "/digits/" in path}
    assert len(digits) > 50
    with project.params() as params:
        params["data"]["kind"] = "ring"
    assert project.repro().ran == {"resolve", "prepare", "classifier", "headline"} | stages("lsgan")
    assert json.loads((project.root / "classifiers/ring/classifier.json").read_text())["not_applicable"]
    after = project.results()
    assert {path for path in digits if after.get(path) != before[path]} == set()

    with project.params() as params:
        params["data"]["kind"] = "digits"
    back = project.repro()
    # the lock file has forgotten the other paths, and the run cache remembers
    assert (back.ran, back.restored) == (
        {"resolve"},
        {"prepare", "classifier", "headline"} | stages("lsgan"),
    )
    after = project.results()
    assert {path for path in digits if after.get(path) != before[path]} == set()


def test_the_same_seed_gives_the_same_bits(project: Project) -> None:
    before = project.results()
    forced = project.repro("--force", "--single-item", "stages/dvc.yaml:train@ebgan-0")
    assert forced.ran == {"train@ebgan-0"}
    after = project.results()
    assert {path for path in before if path.startswith("runs/") and after[path] != before[path]} == set()
