"""What is read from the tree, and that a broken file is named in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from report_tree import Spec, change_json

from ganpipe.errors import BadInput
from ganpipe.report.read import Series, read_evaluation, read_run, read_zoo


def test_reads_a_run(tmp_path: Path, spec: Spec) -> None:
    run = read_run(tmp_path, "digits", "wgan_gp", 2)
    assert run is not None
    assert run.parameters["penalties"][0]["weight"] == 10.0
    assert [grid.step for grid in run.grids] == [100, 200]
    assert (run.grids[0].width, run.grids[0].height) == (68, 68)
    assert run.clock.seconds == 42.0
    assert run.history["critic_loss"].steps == tuple(range(10, 210, 10))


def test_empty_cells_of_a_history_are_no_values(tmp_path: Path, spec: Spec) -> None:
    run = read_run(tmp_path, "digits", "lsgan", 1)
    assert run is not None
    assert run.history["now_and_then"] == Series(tuple(range(20, 210, 20)), (1.0,) * 10)


def test_reads_the_zoo_in_the_order_of_the_spec(tmp_path: Path, spec: Spec) -> None:
    zoo = read_zoo(tmp_path, {**spec, "rows": ["lsgan", "wgan_gp"], "titles": {}})
    assert [variant.row for variant in zoo.variants] == ["lsgan", "wgan_gp"]
    assert zoo.variants[1].title == "WGAN-GP"
    assert zoo.variants[1].pretrain == {}


def test_no_run_is_none(tmp_path: Path) -> None:
    assert read_run(tmp_path, "digits", "wgan_gp", 0) is None


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "is not JSON"),
        ("[1]", "should hold a mapping, not a list"),
        ('{"row": "x"}', "lacks the key 'figures'"),
    ],
)
def test_a_broken_evaluation_is_one_sentence(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "evals/digits").mkdir(parents=True)
    (tmp_path / "evals/digits/x.json").write_text(content, encoding="utf-8")
    with pytest.raises(BadInput, match=said) as error:
        read_evaluation(tmp_path, "digits", "x")
    assert str(error.value).startswith("evals/digits/x.json ")
    assert str(error.value).endswith(".")


def test_a_value_for_each_seed(tmp_path: Path, spec: Spec) -> None:
    change_json(tmp_path, "evals/digits/lsgan.json", lambda e: e["figures"]["recall"]["raw"].pop())
    with pytest.raises(BadInput, match="has 2 raw values of 'recall' for 3 seeds"):
        read_evaluation(tmp_path, "digits", "lsgan")


def test_the_verdict_of_a_history_is_no_curve(tmp_path: Path, spec: Spec) -> None:
    """It is one point, or none in most seeds; the page says it in words."""
    path = tmp_path / "runs/digits/lsgan/0/history.csv"
    path.write_text("step,critic_loss,verdict\n10,0.5,\n20,0.25,1.0\n", encoding="utf-8")
    zoo = read_zoo(tmp_path, spec)
    run = next(variant for variant in zoo.variants if variant.row == "lsgan").runs[0]
    assert dict(run.history) == {"critic_loss": Series((10, 20), (0.5, 0.25))}


def test_a_broken_history_is_one_sentence(tmp_path: Path, spec: Spec) -> None:
    (tmp_path / "runs/digits/lsgan/0/history.csv").write_text("step,loss\n10,what\n", encoding="utf-8")
    with pytest.raises(BadInput, match=r"runs/digits/lsgan/0/history\.csv has an unknown shape"):
        read_run(tmp_path, "digits", "lsgan", 0)


def test_a_broken_picture_is_one_sentence(tmp_path: Path, spec: Spec) -> None:
    (tmp_path / "runs/digits/lsgan/0/grids/000100.png").write_bytes(b"no picture")
    with pytest.raises(BadInput, match=r"000100\.png has an unknown shape \(not a PNG\)"):
        read_run(tmp_path, "digits", "lsgan", 0)
