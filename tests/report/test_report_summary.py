"""What DVC compares and plots of the selected variant."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from report_tree import Spec, change_evaluations, metric, write_tree

from ganpipe.report.read import read_evaluation
from ganpipe.report.summary import summary_metrics, summary_plots
from ganpipe.statistics import summary


def test_the_leading_metrics_stand_first(tmp_path: Path) -> None:
    write_tree(tmp_path, [0, 1, 2], runs=False)
    source = {"network": "classifier", "resizer": "none", "generated": 718, "real": 360, "split": "test"}
    kid = metric("KID", "lower", -0.1, 55.0, [1.5, 2.0, 2.5]) | {"in_main_table": False}

    def change(evaluation: Spec) -> None:
        evaluation["metrics"]["frechet"].update(source)
        evaluation["metrics"]["kid"] = kid

    change_evaluations(tmp_path, change, "wgan_gp")
    metrics = summary_metrics(read_evaluation(tmp_path, "digits", "wgan_gp"))
    s = summary([12.0 * (1 + 0.01 * seed) for seed in range(3)])
    assert metrics["frechet"] == {
        "mean": s.mean,
        "low": s.low,
        "high": s.high,
        "real_baseline": 2.0,
        "noise_baseline": 300.0,
    }
    assert list(metrics) == ["frechet", "recall", "ema", "more", "from"]
    assert metrics["from"] == source
    assert set(metrics["ema"]) == {"frechet", "recall"}
    assert metrics["ema"]["frechet"]["mean"] == pytest.approx(6.06)
    assert metrics["more"]["kid"]["mean"] == 2.0


def test_metrics_hold_finite_numbers_only(tmp_path: Path) -> None:
    write_tree(tmp_path, [0], runs=False)

    def diverge(evaluation: Spec) -> None:
        evaluation["metrics"]["frechet"].update(raw=[float("nan")], noise_baseline=float("inf"), ema=[])

    change_evaluations(tmp_path, diverge, "wgan_gp")
    metrics = summary_metrics(read_evaluation(tmp_path, "digits", "wgan_gp"))
    assert metrics["frechet"] == {"real_baseline": 2.0}
    assert metrics["recall"] == {"mean": 0.25, "real_baseline": 0.96, "noise_baseline": 0.0}
    assert set(metrics["ema"]) == {"recall"}
    json.dumps(metrics, allow_nan=False)


def test_plots_are_of_the_steps_that_all_seeds_have(tmp_path: Path, spec: Spec) -> None:
    """A seed that ended early would else make the mean jump to that of the others."""
    path = tmp_path / "runs/digits/lsgan/1/history.csv"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:4]))
    summary_plots(tmp_path, spec, "lsgan", tmp_path / "plots")
    histories = []
    for name in ("plots", "runs/digits/lsgan/0", "runs/digits/lsgan/1"):
        with (tmp_path / name / "history.csv").open(newline="") as file:
            histories.append(list(csv.DictReader(file))[:4])
    assert list(histories[0][0]) == ["step", "critic_loss", "now_and_then"]
    assert [int(row["step"]) for row in histories[0]] == [10, 20, 30]
    for mean, one, other in zip(histories[0], *histories[1:], strict=False):
        seeds = [float(row["critic_loss"]) for row in (one, other)]
        assert float(mean["critic_loss"]) == pytest.approx(sum(seeds) / 2)
    assert [row["now_and_then"] for row in histories[0]] == ["", "0.5", ""]
    last = tmp_path / "runs/digits/lsgan/0/grids/000200.png"
    assert (tmp_path / "plots/samples.png").read_bytes() == last.read_bytes()


def test_a_variant_that_makes_no_sense_has_empty_files(tmp_path: Path, spec: Spec) -> None:
    assert summary_metrics(read_evaluation(tmp_path, "digits", "progressive")) == {}
    summary_plots(tmp_path, spec, "progressive", tmp_path / "plots")
    assert (tmp_path / "plots/history.csv").read_text() == "step\n"
    assert (tmp_path / "plots/samples.png").read_bytes().startswith(b"\x89PNG")
