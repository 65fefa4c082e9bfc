"""`ganpipe clean` removes what rows, seeds and data sets that params.yaml no longer has left behind."""

from __future__ import annotations

import json

import pytest
from pipeline_project import Project
from ruamel.yaml import YAML
from running import Commands


@pytest.mark.slow
def test_a_row_and_a_seed_leave_nothing_behind(project: Project, commands: Commands) -> None:
    before = project.results()
    assert commands(project, "clean").out == "0 leftovers removed.\n"
    assert project.results() == before
    (project.root / "reports/digits/ebgan.html").write_text("made when ebgan was selected")
    with project.params() as params:
        del params["variants"]["ebgan"]
        params["seeds"].remove(1)

    removed = commands(project, "clean").out.splitlines()
    rows = ("lsgan", "wgan_gp")
    folders = {"runs/digits/ebgan", "evals/digits/ebgan.json", "pretrained/digits/ebgan", "reports/digits/ebgan.html"}
    folders |= {f"timings/digits/{kind}" for kind in ("pretrain/ebgan.json", "train/ebgan", "evaluate/ebgan.json")}
    folders |= {f"runs/digits/{row}/1" for row in rows} | {f"timings/digits/train/{row}/1.json" for row in rows}
    entries = {"pretrain@ebgan", "train@ebgan-0", "train@ebgan-1", "evaluate@ebgan"}
    entries |= {f"train@{row}-1" for row in rows}
    assert set(removed[:-1]) == folders | {f"stages/dvc.lock: {entry}" for entry in entries}
    assert removed[-1] == f"{len(folders) + len(entries)} leftovers removed."

    after = project.results()
    gone = {path for path in before if any(path == folder or path.startswith(f"{folder}/") for folder in folders)}
    assert before.keys() - after.keys() == gone
    assert {path for path in after if after[path] != before.get(path)} == {"stages/dvc.lock"}
    lock = YAML(typ="safe").load(project.root / "stages/dvc.lock")
    assert lock["schema"] == "2.0"
    assert not {stage for stage in lock["stages"] if "ebgan" in stage or stage.endswith("-1")}

    done = project.repro("-P")
    assert done.ran == {"resolve", "evaluate@lsgan", "evaluate@wgan_gp", "summary", "report"}
    assert json.loads((project.root / "evals/digits/wgan_gp.json").read_text())["seeds"] == [0]
    assert "EBGAN" not in (project.root / "reports/digits/zoo.html").read_text()


def test_a_data_set_leaves_nothing_behind_and_a_broken_lock_file_is_named_before(
    fresh: Project, commands: Commands
) -> None:
    tops = ("runs", "evals", "pretrained", "classifiers", "reference_stats", "timings", "reports")
    tops += ("data/prepared", "data/fingerprints")
    for top in tops:
        (fresh.root / top / "ring").mkdir(parents=True)
        (fresh.root / top / "ring" / "file").write_text("made when ring was a data set")
    lock = fresh.root / "stages/dvc.lock"
    lock.write_text("<<<<<<< HEAD\n")
    assert commands.refusal(fresh, "clean").startswith("stages/dvc.lock ")
    lock.unlink()
    # what is in those folders belongs to no variant
    removed = commands(fresh, "clean").out.splitlines()
    assert removed[:-1] == [f"{top}/ring/file" for top in ("runs", "evals", "pretrained", "reports")]
    with fresh.params() as params:
        del params["datasets"]["ring"]
        for source in (params["train"], *params["files"].values()):
            source.get("overrides", {}).pop("ring", None)
    removed = commands(fresh, "clean").out.splitlines()
    assert set(removed[:-1]) == {f"{top}/ring" for top in tops}
