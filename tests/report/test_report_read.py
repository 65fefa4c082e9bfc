"""What is read from the tree, and that a broken file is named in one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from report_tree import Spec, change_evaluations

from ganpipe.report.page import summary_page
from ganpipe.report.read import Series, read_evaluation, read_run, read_zoo
from ganpipe.utils.errors import UserError


def test_reads_a_run(tmp_path: Path, spec: Spec) -> None:
    run = read_run(tmp_path, "digits", "wgan_gp", 1)
    assert run is not None
    assert run.parameters["penalties"][0]["weight"] == 10.0
    assert [grid.step for grid in run.grids] == [100, 200]
    assert (run.seconds, run.steps_per_second) == (41.0, 71.5)
    assert run.history["critic_loss"].steps == tuple(range(10, 210, 10))
    assert run.history["now_and_then"] == Series(tuple(range(20, 210, 20)), (1.0,) * 10)  # empty cells are no values
    assert read_run(tmp_path, "digits", "wgan_gp", 9) is None


def test_the_verdict_of_a_history_is_no_curve(tmp_path: Path, spec: Spec) -> None:
    """It is one point, or none in most seeds; the page states it in words."""
    path = tmp_path / "runs/digits/lsgan/0/history.csv"
    path.write_text("step,critic_loss,status\n10,0.5,\n20,0.25,1.0\n", encoding="utf-8")
    run = read_run(tmp_path, "digits", "lsgan", 0)
    assert run is not None
    assert dict(run.history) == {"critic_loss": Series((10, 20), (0.5, 0.25))}


def test_reads_the_zoo_in_the_order_of_the_spec(tmp_path: Path, spec: Spec) -> None:
    zoo = read_zoo(tmp_path, {**spec, "variants": ["lsgan", "wgan_gp"], "titles": {}})
    assert [variant.name for variant in zoo.variants] == ["lsgan", "wgan_gp"]
    assert (zoo.variants[1].title, zoo.variants[1].pretrain) == ("WGAN-GP", {})


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", "is not JSON"),
        ("[1]", "should hold a mapping, not a list"),
        ('{"variant": "x", "title": "x", "data": "d"}', r"has an unknown shape \(metrics: Field required\)"),
    ],
)
def test_a_broken_evaluation_is_one_sentence(tmp_path: Path, content: str, problem: str) -> None:
    (tmp_path / "evals/digits").mkdir(parents=True)
    (tmp_path / "evals/digits/x.json").write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=rf"^evals/digits/x\.json {problem}.*\.$"):
        read_evaluation(tmp_path, "digits", "x")


COURSE = {"label": "x", "raw": [[1.0]], "ema": [[1.0]]}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda e: e["metrics"]["recall"]["raw"].pop(), "1 raw values of 'recall' for 2 seeds"),
        (lambda e: e["classes"]["raw"][0].pop(), "shares for other than 3 classes"),
        (lambda e: e.update(snapshots={"steps": [1, 2], "generated": 9, "metrics": {"x": COURSE}}), "than 2 snapshots"),
        (
            lambda e: e.update(snapshots={"steps": None, "generated": 9, "metrics": {}}),
            "snapshots.steps: Input should be",
        ),
    ],
)
def test_an_evaluation_of_another_shape_is_one_sentence(tmp_path: Path, spec: Spec, change: Any, problem: str) -> None:
    change_evaluations(tmp_path, change, "lsgan")
    with pytest.raises(UserError, match=rf"^evals/digits/lsgan\.json .*{problem}.*: run its stage again\.$"):
        read_evaluation(tmp_path, "digits", "lsgan")


def test_a_broken_history_or_picture_is_one_sentence(tmp_path: Path, spec: Spec) -> None:
    run = tmp_path / "runs/digits/lsgan/0"
    (run / "grids/000200.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"000200\.png is no PNG that can be read"):
        summary_page(tmp_path, spec, "lsgan")
    (run / "history.csv").write_text("step,loss\n10,what\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"runs/digits/lsgan/0/history\.csv has an unknown shape"):
        read_run(tmp_path, "digits", "lsgan", 0)
