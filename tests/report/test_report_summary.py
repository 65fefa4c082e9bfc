"""What DVC compares and plots."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from report_tree import Spec, change_json, write_tree

from ganpipe.report.read import read_evaluation
from ganpipe.report.summary import summary_metrics, summary_plots
from ganpipe.statistics import summary


def test_metrics(tmp_path: Path, spec: Spec) -> None:
    source = {"network": "classifier", "resizer": "none", "generated": 718, "real": 360, "split": "test"}
    change_json(tmp_path, "evals/digits/wgan_gp.json", lambda said: said["figures"]["frechet"].update(source))
    metrics = summary_metrics(read_evaluation(tmp_path, "digits", "wgan_gp"))
    s = summary([12.0 * (1 + 0.01 * seed) for seed in range(3)])
    assert metrics["frechet"] == {
        "mean": s.mean,
        "low": s.low,
        "high": s.high,
        "floor": 2.0,
        "ceiling": 300.0,
    }
    assert set(metrics) == {"frechet", "recall", "ema", "from"}
    assert metrics["from"] == source
    assert metrics["ema"]["frechet"]["mean"] == pytest.approx(6.06)


def test_metrics_hold_finite_numbers_only(tmp_path: Path) -> None:
    write_tree(tmp_path, [0])

    def diverge(evaluation: Spec) -> None:
        evaluation["figures"]["frechet"].update(raw=[float("nan")], ceiling=float("inf"), ema=[])

    change_json(tmp_path, "evals/digits/wgan_gp.json", diverge)
    metrics = summary_metrics(read_evaluation(tmp_path, "digits", "wgan_gp"))
    assert metrics["frechet"] == {"floor": 2.0}
    assert metrics["recall"] == {"mean": 0.25, "floor": 0.96, "ceiling": 0.0}
    assert set(metrics["ema"]) == {"recall"}
    json.dumps(metrics, allow_nan=False)


def test_metrics_of_a_row_that_makes_no_sense(tmp_path: Path, spec: Spec) -> None:
    assert summary_metrics(read_evaluation(tmp_path, "digits", "progressive")) == {}


def test_plots(tmp_path: Path, spec: Spec) -> None:
    summary_plots(tmp_path, spec, "lsgan", tmp_path / "plots")
    with (tmp_path / "plots/history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["step", "critic_loss", "now_and_then"]
    assert [int(row["step"]) for row in rows] == list(range(10, 210, 10))
    histories = []
    for seed in (0, 1, 2):
        with (tmp_path / f"runs/digits/lsgan/{seed}/history.csv").open(newline="") as file:
            histories.append([float(row["critic_loss"]) for row in csv.DictReader(file)])
    assert len({tuple(history) for history in histories}) == 3
    for row, *values in zip(rows, *histories, strict=True):
        assert float(row["critic_loss"]) == pytest.approx(sum(values) / 3)
    assert (rows[0]["now_and_then"], rows[1]["now_and_then"]) == ("", "1.0")
    last = tmp_path / "runs/digits/lsgan/0/grids/000200.png"
    assert (tmp_path / "plots/samples.png").read_bytes() == last.read_bytes()


def test_plots_are_of_all_seeds_or_of_none(tmp_path: Path, spec: Spec) -> None:
    """A seed that ended early would else make the mean jump to that of the others."""
    path = tmp_path / "runs/digits/lsgan/1/history.csv"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:4]))
    summary_plots(tmp_path, spec, "lsgan", tmp_path / "plots")
    with (tmp_path / "plots/history.csv").open(newline="") as file:
        assert [int(row["step"]) for row in csv.DictReader(file)] == [10, 20, 30]


def test_plots_of_a_row_that_makes_no_sense(tmp_path: Path, spec: Spec) -> None:
    summary_plots(tmp_path, spec, "progressive", tmp_path / "plots")
    assert (tmp_path / "plots/history.csv").read_text() == "step\n"
    assert (tmp_path / "plots/samples.png").read_bytes().startswith(b"\x89PNG")
