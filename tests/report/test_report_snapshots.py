"""Figures over time, verdicts and the second table, from the evaluation to the page."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from report_tree import EVIL, Spec, change_json, figure, write_tree

from ganpipe.errors import BadInput
from ganpipe.report.page import summary_page, zoo_page
from ganpipe.report.read import read_evaluation, read_zoo
from ganpipe.report.snapshots import curves, over_time
from ganpipe.report.summary import summary_metrics

STEPS = [50, 100, 150, 200]
RAW = [[90.0, 20.0, 10.0, 30.0], [80.0, 25.0, 12.0, 11.0]]
EMA = [[200.0, 100.0, 50.0, 25.0], [210.0, 110.0, 55.0, 20.0]]


def add_moments(evaluation: Spec) -> None:
    course = {"label": "Frechet distance", "better": "lower", "floor": 3.0, "raw": RAW, "ema": EMA}
    recall = {"label": "Recall", "better": "higher", "floor": 0.9, "raw": [[0.1, 0.3, 0.7, 0.6]] * 2, "ema": RAW}
    evaluation["moments"] = {
        "steps": STEPS,
        "generated": 718,
        "real": 360,
        "figures": {"frechet": course, "recall": recall},
    }
    evaluation["verdicts"] = [None, {"kind": "collapsed", "reason": f"recall is 0.01 {EVIL}"}]
    kid = figure("KID", "lower", -0.1, 55.0, [1.5, 2.5])
    kid |= {"leads": False, "network": "pixels", "resizer": "none", "generated": 718, "real": 360, "split": "test"}
    kid |= {"floor_deviation": 0.25, "errors": {"raw": [0.125, 0.375], "ema": [0.1, 0.1]}}
    evaluation["figures"]["kid"] = kid


@pytest.fixture
def tree(tmp_path: Path) -> tuple[Path, Spec]:
    spec = write_tree(tmp_path, [0, 1])
    for row in ("wgan_gp", "lsgan"):
        change_json(tmp_path, f"evals/digits/{row}.json", add_moments)
    return tmp_path, spec


def text(page: str) -> str:
    body = re.sub(r"<(script|style)\b.*?</\1>|<[^>]+>", " ", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(body).replace("\u2009", " "))


def test_each_share_of_the_training_best_and_last(tree: tuple[Path, Spec]) -> None:
    table = over_time(read_zoo(*tree).variants)
    assert table is not None
    assert table.shares == ("25 %", "50 %", "75 %", "100 %")
    assert (table.generated, table.floor, table.better) == ("718", "3", "lower")
    row = next(row for row in table.raw if row.row == "wgan_gp")
    assert [cell.value for cell in row.at_moments] == [85.0, 22.5, 11.0, 20.5]
    assert row.last.value == 20.5
    assert row.best.value == pytest.approx((10 + 11) / 2)
    assert row.at == "150 to 200"
    averaged = next(row for row in table.ema if row.row == "wgan_gp")
    assert (averaged.best.value, averaged.at) == (22.5, "200")


def test_the_best_is_the_highest_where_higher_is_better(tree: tuple[Path, Spec]) -> None:
    root, spec = tree

    def only_recall(evaluation: Spec) -> None:
        del evaluation["moments"]["figures"]["frechet"]

    for row in ("wgan_gp", "lsgan"):
        change_json(root, f"evals/digits/{row}.json", only_recall)
    table = over_time(read_zoo(root, spec).variants)
    assert table is not None
    assert [(row.best.value, row.at) for row in table.raw] == [(pytest.approx(0.7), "150")] * 2


def test_the_best_of_equal_moments_is_the_earliest(tree: tuple[Path, Spec]) -> None:
    root, spec = tree

    def level(evaluation: Spec) -> None:
        evaluation["moments"]["figures"]["frechet"]["raw"] = [[90.0, 20.0, 20.0, 30.0], [20.0, 25.0, 20.0, 20.0]]

    change_json(root, "evals/digits/wgan_gp.json", level)
    table = over_time(read_zoo(root, spec).variants)
    assert table is not None
    assert next(row for row in table.raw if row.row == "wgan_gp").at == "50 to 100"


def test_a_seed_that_ended_early(tree: tuple[Path, Spec]) -> None:
    root, spec = tree

    def ended(evaluation: Spec) -> None:
        evaluation["moments"]["figures"]["frechet"]["raw"][1] = [80.0, None, None, None]

    change_json(root, "evals/digits/wgan_gp.json", ended)
    zoo = read_zoo(root, spec)
    table = over_time(zoo.variants)
    assert table is not None
    row = next(row for row in table.raw if row.row == "wgan_gp")
    assert row.at_moments[0].value == 85.0
    assert (row.last.value, row.last.lost) == (None, "1 of 2 seeds")
    assert row.at == "50 to 150"
    series = dict(curves(next(v for v in zoo.variants if v.row == "wgan_gp"), "raw"))["Frechet distance"]
    assert [len(of.steps) for of in series] == [4, 1]


def test_a_seed_that_was_lost_before_the_first_moment(tree: tuple[Path, Spec]) -> None:
    """It has no point to draw, beside one that has."""
    root, spec = tree

    def lost(evaluation: Spec) -> None:
        for course in evaluation["moments"]["figures"].values():
            course["raw"][1] = course["ema"][1] = [None] * len(STEPS)
        evaluation["verdicts"][1] = {"kind": "not_finite", "reason": "critic_loss is nan at step 1"}

    change_json(root, "evals/digits/wgan_gp.json", lost)
    for page in (zoo_page(root, spec), summary_page(root, spec, "wgan_gp")):
        assert re.search("not finite.* seed 1: critic_loss is nan at step 1", text(page))
    table = over_time(read_zoo(root, spec).variants)
    assert table is not None
    row = next(row for row in table.raw if row.row == "wgan_gp")
    assert (row.last.value, row.last.lost, row.at) == (None, "1 of 2 seeds", "150")


def test_a_row_that_ended_early_in_all_seeds_keeps_its_place(tree: tuple[Path, Spec]) -> None:
    root, spec = tree

    def ended(evaluation: Spec) -> None:
        evaluation["moments"]["steps"] = STEPS[:2]
        for course in evaluation["moments"]["figures"].values():
            course.update({weights: [seed[:2] for seed in course[weights]] for weights in ("raw", "ema")})

    change_json(root, "evals/digits/wgan_gp.json", ended)
    for seed in (0, 1):
        name = f"runs/digits/wgan_gp/{seed}/run.json"
        change_json(root, name, lambda run: run["parameters"].update(steps=200, moments={"count": 4, "samples": 718}))
    for rows in (spec["rows"], ["wgan_gp"]):  # beside rows that did not end, and on a page of its own
        table = over_time(read_zoo(root, {**spec, "rows": rows}).variants)
        assert table is not None
        assert table.shares == ("25 %", "50 %", "75 %", "100 %")
        row = next(row for row in table.raw if row.row == "wgan_gp")
        assert [cell.value for cell in row.at_moments] == [85.0, 22.5, None, None]
        assert row.last.value is None
        assert (row.best.value, row.at) == (22.5, "100")


def test_moments_that_fall_on_one_step_are_one(tree: tuple[Path, Spec]) -> None:
    """Of three steps there are three moments, though five were asked for: nothing is missing at the last one."""
    root, spec = tree

    def short(evaluation: Spec) -> None:
        evaluation["moments"]["steps"] = [1, 2, 3]
        for course in evaluation["moments"]["figures"].values():
            course.update({weights: [seed[:3] for seed in course[weights]] for weights in ("raw", "ema")})

    for row in ("wgan_gp", "lsgan"):
        change_json(root, f"evals/digits/{row}.json", short)
        for seed in (0, 1):
            name = f"runs/digits/{row}/{seed}/run.json"
            change_json(root, name, lambda run: run["parameters"].update(steps=3, moments={"count": 5}))
    table = over_time(read_zoo(root, spec).variants)
    assert table is not None
    assert table.shares == ("33 %", "67 %", "100 %")
    assert [row.last.value for row in table.raw] == [11.0, 11.0]


def test_a_variant_with_another_number_of_moments_is_named(tree: tuple[Path, Spec]) -> None:
    root, spec = tree
    assert "another number of times" not in text(zoo_page(root, spec))
    # as the evaluation of a third row with one moment
    content = json.loads((root / "evals/digits/lsgan.json").read_text())
    content["row"], content["moments"]["steps"] = "progressive", [200]
    content["title"] = "Progressive"
    for course in content["moments"]["figures"].values():
        course.update({weights: [seed[:1] for seed in course[weights]] for weights in ("raw", "ema")})
    (root / "evals/digits/progressive.json").write_text(json.dumps(content))
    zoo = read_zoo(root, spec)
    table = over_time(zoo.variants)
    assert table is not None
    title = next(variant.title for variant in zoo.variants if variant.row == "progressive")
    assert table.others == (title,)
    assert {row.row for row in table.raw} == {"wgan_gp", "lsgan"}
    said = "Looked at another number of times and therefore not here: "
    assert f"{said}{title}." in text(zoo_page(root, spec))


def test_without_moments_there_is_no_table(tmp_path: Path, spec: Spec) -> None:
    assert over_time(read_zoo(tmp_path, spec).variants) is None
    assert "Over time" not in text(zoo_page(tmp_path, spec))


def test_the_pages_say_what_the_leading_figures_are_from(tree: tuple[Path, Spec]) -> None:
    root, spec = tree

    def come_from(evaluation: Spec) -> None:
        about = {"network": "dinov2", "resizer": "bicubic", "generated": 1437, "real": 360, "split": "test"}
        for of in evaluation["figures"].values():
            of.update(about if of.get("leads", True) else {})

    for row in ("wgan_gp", "lsgan"):
        change_json(root, f"evals/digits/{row}.json", come_from)
    network = "features: dinov2, resizer: bicubic"
    source = f": {network}; 1 437 generated against 360 real samples (test split)."
    for page in (zoo_page(root, spec), summary_page(root, spec, "lsgan")):
        assert source in text(page).replace("\u2009", " ")
    assert f"from 718 samples ({network})" in text(zoo_page(root, spec))


def test_the_zoo_page_says_it(tree: tuple[Path, Spec]) -> None:
    page = zoo_page(*tree)
    said = text(page)
    assert EVIL not in page
    assert "Over time Frechet distance" in said
    assert "from 718 samples" in said
    assert re.search(r"25 % 50 % 75 % 100 % last best at step", said)
    assert "collapsed: seed 1" in said
    assert f"seed 1: recall is 0.01 {EVIL}" in said
    assert "More figures 1, in the other feature networks too" in said
    about = "features: pixels, resizer: none; 718 generated against 360 real samples (test split); floor \u22120.100, "
    about += "standard deviation over its draws 0.250; over its subsets, splits, directions or real samples alone, "
    about += "the standard error of a seed is about 0.250"
    assert about in unescape(page).replace("\u2009", " ")
    # the second table has it, and the first one has not
    first = page[page.index('<table class="figures">') : page.index('<details class="more">')]
    assert "KID" not in first


def test_the_page_of_one_variant_says_it(tree: tuple[Path, Spec]) -> None:
    root, spec = tree
    said = text(summary_page(root, spec, "lsgan"))
    for words in (
        "More figures",
        "KID",
        "Figures over time",
        "at 4 moments, 718 samples each",
        "collapsed seed 1: recall",
    ):
        assert words in said


def test_the_leading_figures_stand_first_in_metrics_json(tree: tuple[Path, Spec]) -> None:
    metrics = summary_metrics(read_evaluation(tree[0], "digits", "lsgan"))
    assert set(metrics) == {"frechet", "recall", "ema", "more", "from"}
    assert set(metrics["ema"]) == {"frechet", "recall"}
    assert metrics["more"]["kid"]["mean"] == 2.0


@pytest.mark.parametrize(
    "change", [{"steps": [1, 2]}, {"figures": {"frechet": {"label": "x"}}}, {"generated": "many"}, {"steps": None}]
)
def test_moments_of_another_shape_are_one_sentence(tree: tuple[Path, Spec], change: dict[str, Any]) -> None:
    root, _ = tree
    change_json(root, "evals/digits/lsgan.json", lambda evaluation: evaluation["moments"].update(change))
    with pytest.raises(BadInput, match=r"evals/digits/lsgan.json .*: run its stage again\."):
        read_evaluation(root, "digits", "lsgan")
