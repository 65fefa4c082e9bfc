"""`ganpipe variance`: the sources of chance, one at a time."""

from __future__ import annotations

import json

import pytest
from pipeline_project import Project


@pytest.mark.slow
def test_the_command(project: Project) -> None:
    """Where everything varies its values are those of trainings with these seeds; nothing is trained twice."""
    with project.params() as params:
        params["seeds"] = [1, 2]
    project.repro("stages/dvc.yaml:evaluate@lsgan")
    first = project.ganpipe("variance", "lsgan", "--runs", "5")
    assert "21 of 21 trainings" in first.out
    found = json.loads((project.root / ".cache/variance/digits-lsgan.json").read_text(encoding="utf-8"))
    evaluation = json.loads((project.root / "evals/digits/lsgan.json").read_text(encoding="utf-8"))
    main = next(metric for metric in evaluation["metrics"].values() if metric["in_main_table"])
    assert found["values"]["everything"][:2] == main["raw"]
    assert {one["source"] for one in found["components"]} == {"initialisation", "order", "noise", "samples"}
    values = [tuple(of) for of in found["values"].values()]
    assert len({*values}) == 5
    page = (project.root / "reports/digits/variance-lsgan.html").read_text(encoding="utf-8")
    assert "How many seeds a difference needs" in page
    assert "trainings" not in project.ganpipe("variance", "lsgan", "--runs", "5").out
    with project.params() as params:  # NaN, which as pixels is black
        for side in ("generator_optimizer", "critic_optimizer"):
            params["variants"]["wgan_gp"][side]["lr"] = 1e9
        params["variants"]["wgan_gp"]["steps"] = 60
    refused = project.ganpipe("variance", "wgan_gp", "--runs", "5", ok=False)
    assert "wgan_gp has fewer than two different finite results where initialisation varies" in refused.text
    refused = project.ganpipe("variance", "lsgam", ok=False)
    assert "'lsgam' is no variant of params.yaml" in refused.text
