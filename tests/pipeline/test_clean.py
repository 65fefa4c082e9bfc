"""`ganpipe clean` removes what rows, seeds and data sets that params.yaml no longer has left behind."""

from __future__ import annotations

import json

from pipeline_project import Project
from ruamel.yaml import YAML


def test_a_row_and_a_seed_leave_nothing_behind(project: Project) -> None:
    before = project.results()
    assert project.ganpipe("clean").out == "0 leftovers removed.\n"
    assert project.results() == before
    (project.root / "reports/digits/ebgan.html").write_text("made when ebgan was selected")
    with project.params() as params:
        del params["variants"]["ebgan"]
        params["seeds"].remove(1)

    removed = project.ganpipe("clean").out.splitlines()
    rows = ("lsgan", "wgan_gp")
    folders = {"runs/digits/ebgan", "evals/digits/ebgan.json", "pretrained/digits/ebgan", "reports/digits/ebgan.html"}
    folders |= {f"clocks/digits/{kind}" for kind in ("pretrain/ebgan.json", "train/ebgan", "evaluate/ebgan.json")}
    folders |= {f"runs/digits/{row}/1" for row in rows} | {f"clocks/digits/train/{row}/1.json" for row in rows}
    entries = {"pretrain@ebgan", "train@ebgan-0", "train@ebgan-1", "evaluate@ebgan"}
    entries |= {f"train@{row}-1" for row in rows}
    assert set(removed[:-1]) == folders | {f"stages/dvc.lock: {entry}" for entry in entries}
    assert removed[-1] == f"{len(folders) + len(entries)} leftovers removed."

    after = project.results()
    gone = {path for path in before if any(path == folder or path.startswith(f"{folder}/") for folder in folders)}
    assert before.keys() - after.keys() == gone
    assert {path for path in after if after[path] != before.get(path)} == {"stages/dvc.lock"}
    text = (project.root / "stages/dvc.lock").read_text()
    assert "schema: '2.0'" in text
    lock = YAML(typ="safe").load(project.root / "stages/dvc.lock")
    assert not {stage for stage in lock["stages"] if "ebgan" in stage or stage.endswith("-1")}

    done = project.repro("-P")
    assert done.ran == {"resolve", "evaluate@lsgan", "evaluate@wgan_gp", "headline", "report"}
    assert not project.repro("-P").ran
    assert json.loads((project.root / "evals/digits/wgan_gp.json").read_text())["seeds"] == [0]
    assert "EBGAN" not in (project.root / "reports/digits/zoo.html").read_text()


def test_a_broken_lock_file_is_named_and_nothing_removed(project: Project) -> None:
    with project.params() as params:
        params["seeds"].remove(1)
    project.edit("stages/dvc.lock", "stages:", "<<<<<<< HEAD\nstages:")
    before = project.results()
    for command in ("clean", "plan"):
        refused = project.ganpipe(command, ok=False)
        assert (refused.code, refused.out, refused.err.count("\n")) == (2, "", 1)
        assert "stages/dvc.lock" in refused.err
    assert project.results() == before


def test_a_data_set_leaves_nothing_behind(project: Project) -> None:
    before = project.results()
    tops = (
        "runs",
        "evals",
        "pretrained",
        "classifiers",
        "references",
        "clocks",
        "reports",
        "data/prepared",
        "data/sources",
    )
    for top in tops:
        (project.root / top / "ring").mkdir()
        (project.root / top / "ring" / "file").write_text("made when ring was a data set")
    # what is in those folders belongs to no row
    removed = project.ganpipe("clean").out.splitlines()
    assert removed[:-1] == [f"{top}/ring/file" for top in ("runs", "evals", "pretrained", "reports")]
    with project.params() as params:
        del params["datasets"]["ring"]
        for source in (params["train"], *params["files"].values()):
            source.get("overrides", {}).pop("ring", None)
    removed = project.ganpipe("clean").out.splitlines()
    assert set(removed[:-1]) == {f"{top}/ring" for top in tops}
    assert project.results() == before
