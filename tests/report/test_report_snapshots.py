"""The metrics at snapshots of the training, from the evaluation to the page."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from report_tree import EVIL, Page, Spec, change_evaluations, change_json, write_tree

from ganpipe.report.page import summary_page, zoo_page
from ganpipe.report.read import read_zoo
from ganpipe.report.snapshots import SnapshotTable, VariantRow, curves, over_time

STEPS = [50, 100, 150, 200]
RAW = [[90.0, 20.0, 10.0, 30.0], [80.0, 25.0, 12.0, 11.0]]
EMA = [[200.0, 100.0, 50.0, 25.0], [210.0, 110.0, 55.0, 20.0]]


def add_snapshots(evaluation: Spec) -> None:
    frechet = {"label": "Frechet distance", "better": "lower", "real_baseline": 3.0, "raw": RAW, "ema": EMA}
    recall = {
        "label": "Recall",
        "better": "higher",
        "real_baseline": 0.9,
        "raw": [[0.1, 0.3, 0.7, 0.6]] * 2,
        "ema": RAW,
    }
    metrics = {"frechet": frechet, "recall": recall}
    evaluation["snapshots"] = {"steps": STEPS, "generated": 718, "real": 360, "metrics": metrics}
    evaluation["statuses"] = [None, {"kind": "collapsed", "reason": f"recall is 0.01 {EVIL}"}]


def keep(evaluation: Spec, steps: list[int]) -> None:
    """Only so many snapshots as these steps are, and at them."""
    evaluation["snapshots"]["steps"] = steps
    for course in evaluation["snapshots"]["metrics"].values():
        course.update({weights: [seed[: len(steps)] for seed in course[weights]] for weights in ("raw", "ema")})


@pytest.fixture
def tree(tmp_path: Path) -> tuple[Path, Spec]:
    spec = write_tree(tmp_path, [0, 1])
    change_evaluations(tmp_path, add_snapshots)
    return tmp_path, spec


def table_of(tree: tuple[Path, Spec]) -> SnapshotTable:
    table = over_time(read_zoo(*tree).variants)
    assert table is not None
    return table


def first(table: SnapshotTable) -> VariantRow:
    return next(row for row in table.rows["raw"] if row.variant == "wgan_gp")


def test_each_share_of_the_training_best_and_last(tree: tuple[Path, Spec]) -> None:
    table = table_of(tree)
    assert table.shares == ("25 %", "50 %", "75 %", "100 %")
    assert (table.generated, table.real_baseline, table.better) == ("718", "3", "lower")
    row = first(table)
    assert [cell.value for cell in row.cells] == [85.0, 22.5, 11.0, 20.5]
    assert (row.best.value, row.best_steps) == ((10 + 11) / 2, "150 to 200")
    averaged = next(row for row in table.rows["ema"] if row.variant == "wgan_gp")
    assert (averaged.best.value, averaged.best_steps) == (22.5, "200")


@pytest.mark.parametrize(
    ("better", "raw", "best", "at"),
    [
        ("higher", [[0.1, 0.3, 0.7, 0.6]] * 2, 0.7, "150"),
        (
            "lower",
            [[90.0, 20.0, 20.0, 30.0], [20.0, 25.0, 20.0, 20.0]],
            20.0,
            "50 to 100",
        ),  # the earliest of equal ones
        ("lower", [[90.0, 20.0, 10.0, 30.0], [80.0, None, None, None]], 45.0, "50 to 150"),
        ("lower", [[90.0, 20.0, 10.0, 30.0], [None] * 4], None, "150"),  # lost before the first snapshot
    ],
)
def test_the_best_snapshot_of_each_seed(
    tree: tuple[Path, Spec], better: str, raw: list[Any], best: float | None, at: str
) -> None:
    change = {"better": better, "raw": raw}
    change_evaluations(tree[0], lambda e: e["snapshots"]["metrics"]["frechet"].update(change), "wgan_gp")
    row = first(table_of(tree))
    assert (row.best.value, row.best_steps) == (best if best is None else pytest.approx(best), at)
    lost = sum(seed[-1] is None for seed in raw)
    assert row.cells[-1].lost == ("1 of 2 seeds" if lost else "")
    variant = next(variant for variant in read_zoo(*tree).variants if variant.name == "wgan_gp")
    drawn = [len(series.steps) for series in curves(variant, "raw")["Frechet distance"]]
    assert drawn == [sum(value is not None for value in seed) for seed in raw]
    assert "seed 1: recall is 0.01" in Page(summary_page(*tree, "wgan_gp")).text  # and the page can be drawn


def test_a_variant_that_ended_early_in_all_seeds_keeps_its_row(tree: tuple[Path, Spec]) -> None:
    root, spec = tree
    change_evaluations(root, lambda evaluation: keep(evaluation, STEPS[:2]), "wgan_gp")
    for seed in (0, 1):
        name = f"runs/digits/wgan_gp/{seed}/run.json"
        change_json(
            root, name, lambda run: run["parameters"].update(steps=200, snapshots={"count": 4, "num_samples": 718})
        )
    for names in (spec["variants"], ["wgan_gp"]):  # beside variants that did not end, and on a page of its own
        table = table_of((root, {**spec, "variants": names}))
        assert table.shares == ("25 %", "50 %", "75 %", "100 %")
        assert [cell.value for cell in first(table).cells] == [85.0, 22.5, None, None]
        assert (first(table).best.value, first(table).best_steps) == (22.5, "100")


def test_snapshots_that_fall_on_one_step_are_one(tree: tuple[Path, Spec]) -> None:
    """Of three steps there are three snapshots, though five were asked for: nothing is missing at the last one."""
    root, _ = tree
    change_evaluations(root, lambda evaluation: keep(evaluation, [1, 2, 3]))
    for path in root.glob("runs/digits/*/*/run.json"):
        name = str(path.relative_to(root))
        change_json(root, name, lambda run: run["parameters"].update(steps=3, snapshots={"count": 5}))
    table = table_of(tree)
    assert table.shares == ("33 %", "67 %", "100 %")
    assert [row.cells[-1].value for row in table.rows["raw"]] == [11.0, 11.0]


def test_named_snapshots_are_in_the_curves_and_not_among_the_shares(tree: tuple[Path, Spec]) -> None:
    root, _ = tree
    for path in root.glob("runs/digits/*/*/run.json"):
        name, snapshots = str(path.relative_to(root)), {"count": 2, "steps": [50, 150]}
        change_json(root, name, lambda run, of=snapshots: run["parameters"].update(steps=200, snapshots=of))
    assert table_of(tree).shares == ("50 %", "100 %")
    assert [cell.value for cell in first(table_of(tree)).cells] == [22.5, 20.5]
    drawn = curves(read_zoo(*tree).variants[0], "raw")
    assert {series.steps for of in drawn.values() for series in of} == {(50, 100, 150, 200)}


def test_the_pages_show_it_and_name_a_variant_with_another_number_of_snapshots(tree: tuple[Path, Spec]) -> None:
    root, spec = tree
    content = json.loads((root / "evals/digits/lsgan.json").read_text()) | {"variant": "progressive"}
    keep(content, [200])
    (root / "evals/digits/progressive.json").write_text(json.dumps(content))
    html = zoo_page(root, spec)
    text = Page(html).text
    assert EVIL not in html
    for words in (
        "Over time Frechet distance",
        "from 718 samples",
        "25 % 50 % 75 % 100 % last best at step",
        "WGAN-GP 85 \u00b1 64 22 \u00b1 32 11 \u00b1 13 20 \u00b1 121 10.5 \u00b1 6.4 150 to 200",
        "collapsed: seed 1",
        f"seed 1: recall is 0.01 {EVIL}",
        "Left out, with another number of snapshots: Progressive growing.",
    ):
        assert words in text, words
    charts = re.findall(r'<script type="application/json">(.*?)</script>', html, re.DOTALL)
    over = next(chart for text in charts if (chart := json.loads(text))["x"] == "% of the steps")
    assert [line["name"] for line in over["lines"]] == ["WGAN-GP", EVIL]
    assert [x for x, _ in over["lines"][0]["points"]] == [25, 50, 75, 100]
    assert (
        "Metrics over the training at 4 snapshots, 718 samples each" in Page(summary_page(root, spec, "wgan_gp")).text
    )


def test_without_snapshots_there_is_no_table(tmp_path: Path) -> None:
    spec = write_tree(tmp_path, [0], runs=False)
    assert over_time(read_zoo(tmp_path, spec).variants) is None
    assert "Over time" not in Page(zoo_page(tmp_path, spec)).text
