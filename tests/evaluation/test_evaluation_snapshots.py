"""The quick metrics of the snapshots of a training."""

from __future__ import annotations

import numpy as np
import pytest
from evaluation_data import TWO, CountingExtractor, balanced, both, images, judged, points, reference, run

from ganpipe.evaluation.baselines import Baseline, compute_baselines
from ganpipe.evaluation.evaluate import Trained
from ganpipe.evaluation.reference import Samples
from ganpipe.prepared import PreparedDataset

QUICK = ["frechet", "precision", "recall", "classes_covered", "smallest_class"]
EARLY, LATE = images(0 * balanced(120), 5), images(balanced(120), 6)
END = both(images(balanced(250), 3))


def test_the_quick_metrics_stand_at_each_step(image_data: PreparedDataset) -> None:
    """The order of the steps is theirs, and not that in which they were read."""
    seeds = {0: Trained(END, {500: Samples(LATE, EARLY), 20: both(EARLY)}), 1: Trained(END, {20: both(LATE)})}
    real = reference(image_data, opened=TWO)
    found = judged(real, seeds)
    snapshots = found["snapshots"]
    assert (snapshots["steps"], snapshots["generated"], snapshots["real"]) == ([20, 500], 120, 200)
    assert list(snapshots["metrics"]) == QUICK
    baselines = compute_baselines(real, 120, quick=True)
    for name, metric in snapshots["metrics"].items():
        assert list(metric) == ["label", "better", "real_baseline", "raw", "ema"]
        assert metric["label"] == found["metrics"][name]["label"]
        assert metric["better"] == found["metrics"][name]["better"]
        assert metric["real_baseline"] == baselines[name].real_baseline
        early, late = real.measure(EARLY, 120).value(name), real.measure(LATE, 120).value(name)
        assert metric["raw"] == [[early, late], [late, None]], name  # the second seed had ended by then
        assert metric["ema"] == [[early, early], [late, None]], name
        assert early != late
    # the end has metrics of its own, of more samples
    assert found["protocol"]["generated"] == 250


def test_the_smallest_snapshot_counts(image_data: PreparedDataset) -> None:
    few, many = both(images(balanced(50), 7)), both(LATE)
    found = run(image_data, {0: Trained(END, {20: many, 40: few}), 1: Trained(END, {20: many})})
    assert found["snapshots"]["generated"] == 50
    assert found["protocol"]["generated"] == 250
    large = both(images(balanced(900), 7))
    assert run(image_data, {0: Trained(END, {20: large})})["snapshots"]["generated"] == 300  # half the train split


def test_without_a_snapshot_there_is_none(image_data: PreparedDataset) -> None:
    assert run(image_data, {0: Trained(END, {}), 1: Trained(END, {})})["snapshots"] is None


def test_a_seed_without_snapshots_has_none_of_the_values(image_data: PreparedDataset) -> None:
    found = run(image_data, {0: Trained(END, {}), 1: Trained(END, {20: both(LATE)})})
    for metric in found["snapshots"]["metrics"].values():
        assert metric["raw"][0] == metric["ema"][0] == [None]
        assert None not in (*metric["raw"][1], *metric["ema"][1])


def test_snapshots_that_are_not_finite_have_no_metrics(point_data: PreparedDataset) -> None:
    good = both(points(balanced(150, 3), 3))
    bad = both(np.full((60, 2), np.inf, np.float32))
    found = run(point_data, {0: Trained(good, {1: both(points(balanced(60, 3), 4)), 2: bad})})["snapshots"]
    assert list(found["metrics"]) == ["modes", "high_quality", "reverse_kl", "sliced_wasserstein"]
    assert found["metrics"]["modes"]["raw"] == [[3, None]]
    assert all(metric["raw"][0][1] is None for metric in found["metrics"].values())


@pytest.mark.parametrize("kept", [120, 121])
def test_quick_baselines_can_be_kept_for_their_number(image_data: PreparedDataset, kept: int) -> None:
    network = CountingExtractor()
    real = reference(image_data, network)
    marked = {name: Baseline(-1.0, None, None) for name in QUICK}
    known = {250: compute_baselines(real, 250)}
    network.calls.clear()
    found = judged(real, {0: Trained(END, {20: both(LATE)})}, all_baselines=known, quick_baselines={kept: marked})
    found_baselines = {metric["real_baseline"] for metric in found["snapshots"]["metrics"].values()}
    assert (found_baselines == {-1.0}) == (kept == 120)
    assert network.calls == [250, 120] + ([] if kept == 120 else [120] * 4)
