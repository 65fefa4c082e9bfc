"""The quick figures at the moments of a training."""

from __future__ import annotations

import numpy as np
import pytest
from evaluation_data import TWO, Network, balanced, both, images, judged, points, reference, run

from ganpipe.evaluation.baselines import Baseline, baselines
from ganpipe.evaluation.evaluate import Trained
from ganpipe.evaluation.reference import Samples
from ganpipe.prepared import PreparedDataset

QUICK = ["frechet", "precision", "recall", "classes_covered", "smallest_class"]
EARLY, LATE = images(0 * balanced(120), 5), images(balanced(120), 6)
END = both(images(balanced(250), 3))


def test_the_quick_figures_stand_at_each_step(image_data: PreparedDataset) -> None:
    """The order of the steps is theirs, and not that in which they were read."""
    seeds = {0: Trained(END, {500: Samples(LATE, EARLY), 20: both(EARLY)}), 1: Trained(END, {20: both(LATE)})}
    real = reference(image_data, opened=TWO)
    found = judged(real, seeds)
    moments = found["snapshots"]
    assert (moments["steps"], moments["generated"], moments["real"]) == ([20, 500], 120, 200)
    assert list(moments["figures"]) == QUICK
    limits = baselines(real, 120, quick=True)
    for name, figure in moments["figures"].items():
        assert list(figure) == ["label", "better", "floor", "raw", "ema"]
        assert figure["label"] == found["figures"][name]["label"]
        assert figure["better"] == found["figures"][name]["better"]
        assert figure["floor"] == limits[name].floor
        early, late = real.measure(EARLY, 120).value(name), real.measure(LATE, 120).value(name)
        assert figure["raw"] == [[early, late], [late, None]], name  # the second seed had ended by then
        assert figure["ema"] == [[early, early], [late, None]], name
        assert early != late
    # the end has figures of its own, of more samples
    assert found["protocol"]["generated"] == 250


def test_the_smallest_moment_counts(image_data: PreparedDataset) -> None:
    few, many = both(images(balanced(50), 7)), both(LATE)
    found = run(image_data, {0: Trained(END, {20: many, 40: few}), 1: Trained(END, {20: many})})
    assert found["snapshots"]["generated"] == 50
    assert found["protocol"]["generated"] == 250
    large = both(images(balanced(900), 7))
    assert run(image_data, {0: Trained(END, {20: large})})["snapshots"]["generated"] == 300  # half the train split


def test_without_a_moment_there_is_none(image_data: PreparedDataset) -> None:
    assert run(image_data, {0: Trained(END, {}), 1: Trained(END, {})})["snapshots"] is None


def test_a_seed_without_moments_has_none_of_the_values(image_data: PreparedDataset) -> None:
    found = run(image_data, {0: Trained(END, {}), 1: Trained(END, {20: both(LATE)})})
    for figure in found["snapshots"]["figures"].values():
        assert figure["raw"][0] == figure["ema"][0] == [None]
        assert None not in (*figure["raw"][1], *figure["ema"][1])


def test_moments_that_are_not_finite_have_no_figures(point_data: PreparedDataset) -> None:
    good = both(points(balanced(150, 3), 3))
    bad = both(np.full((60, 2), np.inf, np.float32))
    found = run(point_data, {0: Trained(good, {1: both(points(balanced(60, 3), 4)), 2: bad})})["snapshots"]
    assert list(found["figures"]) == ["modes", "high_quality", "reverse_kl", "sliced_wasserstein"]
    assert found["figures"]["modes"]["raw"] == [[3, None]]
    assert all(figure["raw"][0][1] is None for figure in found["figures"].values())


@pytest.mark.parametrize("kept", [120, 121])
def test_quick_bounds_can_be_kept_for_their_number(image_data: PreparedDataset, kept: int) -> None:
    network = Network()
    real = reference(image_data, network)
    marked = {name: Baseline(-1.0, None, None) for name in QUICK}
    known = {250: baselines(real, 250)}
    network.calls.clear()
    found = judged(real, {0: Trained(END, {20: both(LATE)})}, known=known, quick={kept: marked})
    floors = {figure["floor"] for figure in found["snapshots"]["figures"].values()}
    assert (floors == {-1.0}) == (kept == 120)
    assert network.calls == [250, 250, 120, 120] + ([] if kept == 120 else [120] * 4)
