"""Tuning under DVC: nothing of it without data, then a page, and only what changed again."""

from __future__ import annotations

import json

import pytest
from pipeline_project import Project

TARGET = "stages/tune/dvc.yaml:tuning@ring"


@pytest.mark.slow
def test_the_tuning(project: Project) -> None:
    assert "tune" not in project.dvc("stage", "list", "--all", "--name-only").out
    with project.params() as params:
        params["tune"].update(
            data=["ring"], variants=["lsgan", "wgan_gp"], draws=[0, 1], final_seeds=[5, 6],
            settings={"steps": 4, "num_samples": 100, "snapshots": {"count": 2, "num_samples": 100}},
        )  # fmt: skip
        params["evaluate"]["max_samples"] = 100
    first = project.repro(TARGET)
    draws = {f"draw@ring-{name}-{index}" for name in ("lsgan", "wgan_gp") for index in (0, 1)}
    assert {"tune_data@ring", *draws, "winner@ring-lsgan", "winner@ring-wgan_gp", "tuning@ring"} <= first.ran
    found = json.loads((project.root / "tune/ring.json").read_text(encoding="utf-8"))
    for name, one in found.items():
        values = [
            json.loads((project.root / f"tune/draws/ring/{name}/{index}/evaluation.json").read_text(encoding="utf-8"))
            for index in (0, 1)
        ]
        tables = [[m for m in value["metrics"].values() if m["in_main_table"] and m["better"]] for value in values]
        metrics = [table[0]["raw"][0] for table in tables]
        assert tables[0][0]["better"] == "higher"  # modes: of equals the next metrics decide
        signed = [[m["raw"][0] * (1 if m["better"] == "lower" else -1) for m in table] for table in tables]
        assert one["validation"] == max(metrics)
        assert one["winner"] == signed.index(min(signed))
        assert len(one["test"]) == 2
        assert one["expected_best"][0] == pytest.approx(sum(metrics) / 2)
    page = (project.root / "reports/tuning-ring.html").read_text(encoding="utf-8")
    assert "2 variants, 2 configurations each" in page
    assert not list((project.root / ".ckpt").glob("tune*"))

    with project.params() as params:
        params["tune"]["draws"] = [0, 1, 2]
    again = project.repro(TARGET).ran
    assert again - {"winner@ring-lsgan", "winner@ring-wgan_gp"} == {
        *("resolve_tune@ring", "draw@ring-lsgan-2", "draw@ring-wgan_gp-2", "tuning@ring")
    }
    with project.params() as params:
        params["tune"]["variants"] = ["lsgam"]
    refused = project.repro(TARGET, ok=False)
    assert "tune.variants.0 is 'lsgam': did you mean lsgan?" in refused.text
