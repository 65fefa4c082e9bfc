"""What DVC compares and plots of the selected variant."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from report_tree import Spec, change_evaluations, metric, write_tree

from ganpipe.report.read import read_evaluation
from ganpipe.report.summary import summary_metrics, summary_plots
from ganpipe.statistics import summary


def numbers(value: Any) -> int:
    """How many columns of `dvc exp show` a metrics.json fills with numbers."""
    return sum(map(numbers, value.values())) if isinstance(value, dict) else isinstance(value, float | int)


def test_the_main_metric_has_an_interval_and_there_are_twelve_numbers_at_most(tmp_path: Path) -> None:
    write_tree(tmp_path, [0, 1, 2], runs=False)

    def change(evaluation: Spec) -> None:
        kid = metric("KID", "lower", -0.1, 55.0, [1.5, 2.0, 2.5])
        evaluation["metrics"] |= {"kid": kid | {"in_main_table": False}, **{f"more_{n}": dict(kid) for n in range(9)}}
        evaluation["statuses"] = [{"kind": "collapsed", "reason": "one class"}, None, None]

    change_evaluations(tmp_path, change, "wgan_gp")
    metrics = summary_metrics(read_evaluation(tmp_path, "digits", "wgan_gp"))
    s = summary([12.0 * (1 + 0.01 * seed) for seed in range(3)])
    assert metrics["frechet"] == {"mean": s.mean, "low": s.low, "high": s.high, "real_baseline": 2.0}
    assert list(metrics) == ["frechet", "ema", "recall", *(f"more_{n}" for n in range(6)), "status"]
    assert metrics["ema"]["frechet"].keys() == metrics["more_0"].keys() == {"mean"}
    assert metrics["ema"]["frechet"]["mean"] == pytest.approx(6.06)
    assert metrics["status"] == "collapsed (1 of 3)"
    assert numbers(metrics) == 12


def test_metrics_hold_finite_numbers_only(tmp_path: Path) -> None:
    write_tree(tmp_path, [0], runs=False)

    def diverge(evaluation: Spec) -> None:
        evaluation["metrics"]["frechet"].update(raw=[float("nan")], ema=[])

    change_evaluations(tmp_path, diverge, "wgan_gp")
    metrics = summary_metrics(read_evaluation(tmp_path, "digits", "wgan_gp"))
    assert metrics == {"frechet": {"real_baseline": 2.0}, "recall": {"mean": 0.25}, "status": metrics["status"]}
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
    assert summary_metrics(read_evaluation(tmp_path, "digits", "progressive")) == {"status": "not applicable"}
    summary_plots(tmp_path, spec, "progressive", tmp_path / "plots")
    assert (tmp_path / "plots/history.csv").read_text() == "step\n"
    assert (tmp_path / "plots/samples.png").read_bytes().startswith(b"\x89PNG")
