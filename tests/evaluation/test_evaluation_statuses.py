"""What a result is called: each kind, and each threshold from both sides."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from evaluation_data import PARAMETERS, balanced, both, images, points, reference, run

from ganpipe.evaluation.baselines import Baseline
from ganpipe.evaluation.evaluate import Trained
from ganpipe.evaluation.reference import Measurement, Samples
from ganpipe.evaluation.status import status
from ganpipe.metrics import MetricValue
from ganpipe.prepared import PreparedDataset

BASELINES = {"recall": Baseline(0.8, 0.01, 0.1)}
STALLED = {"kind": "stalled", "reason": "nothing moved", "step": 300}


def called(
    data: PreparedDataset, shares: list[float | None], metrics: dict[str, float | None] | None = None, **rules: float
) -> tuple[str, str] | None:
    """The status on such shares of the classes and values, with some of the rules changed."""
    given = {"recall": 0.9, "memorization": 0.0} | (metrics or {})
    values = {name: MetricValue(value) for name, value in given.items()}
    real = reference(data, status_thresholds=PARAMETERS["status_thresholds"] | rules)
    found = status(real, Measurement(values, shares, shares), BASELINES, training=None)
    return found and (found["kind"], found["reason"])


EVEN: list[float | None] = [0.25] * 4


def test_nothing_is_wrong(image_data: PreparedDataset) -> None:
    assert called(image_data, EVEN) is None


@pytest.mark.parametrize(
    ("shares", "reached"),
    [
        ([1.0, 0.0, 0.0, 0.0], 1),
        ([0.976, 0.024, 0.0, 0.0], 1),  # below a tenth of a quarter
        ([0.975, 0.025, 0.0, 0.0], None),
        ([0.5, 0.5, 0.0, 0.0], None),
    ],
)
def test_samples_in_few_classes_are_collapsed(
    image_data: PreparedDataset, shares: list[float | None], reached: int | None
) -> None:
    expected = reached and ("collapsed", f"samples are in {reached} of 4 classes")
    assert called(image_data, shares) == expected


@pytest.mark.parametrize(
    ("rule", "found"), [(0.75, None), (0.76, ("collapsed", "samples are in 3 of 4 classes")), (0.0, None)]
)
def test_the_rule_says_how_many_classes(
    image_data: PreparedDataset, rule: float, found: tuple[str, str] | None
) -> None:
    assert called(image_data, [0.3, 0.3, 0.4, 0.0], min_class_fraction=rule) == found


def test_classes_without_real_samples_are_no_classes(image_data: PreparedDataset) -> None:
    """Nobody is in them, and nobody has to be."""
    kept = image_data.test_labels < 3
    data = replace(image_data, test=image_data.test[kept], test_labels=image_data.test_labels[kept])
    assert called(data, [1.0, 0.0, 0.0, 0.0]) == ("collapsed", "samples are in 1 of 3 classes")
    assert called(data, [0.0, 0.0, 0.0, 1.0]) == ("collapsed", "samples are in 0 of 3 classes")
    assert called(data, [0.5, 0.5, 0.0, 0.0]) is None
    assert called(data, [0.4, 0.3, 0.3, 0.0], min_class_fraction=1.0) is None


@pytest.mark.parametrize(
    ("recall", "rule", "found"),
    [
        (0.079, 0.1, ("collapsed", "recall is 0.079, and 0.8 for real images")),
        (0.081, 0.1, None),
        (0.0, 0.1, ("collapsed", "recall is 0, and 0.8 for real images")),
        (0.0, 0.0, None),
        (0.79, 1.0, ("collapsed", "recall is 0.79, and 0.8 for real images")),
    ],
)
def test_a_recall_far_below_that_of_real_images_is_collapsed(
    image_data: PreparedDataset, recall: float, rule: float, found: tuple[str, str] | None
) -> None:
    assert called(image_data, EVEN, {"recall": recall}, min_recall_ratio=rule) == found


@pytest.mark.parametrize(("recall", "real_recall"), [(None, 0.8), (0.0, None)])
def test_without_recall_or_its_floor_there_is_no_such_verdict(
    image_data: PreparedDataset, recall: float | None, real_recall: float | None
) -> None:
    measured = Measurement({"recall": MetricValue(recall), "memorization": MetricValue(0.0)}, EVEN, EVEN)
    real = reference(image_data)
    assert status(real, measured, {"recall": Baseline(real_recall, None, None)}, training=None) is None
    assert status(real, measured, {}, training=None) is None


@pytest.mark.parametrize(
    ("copies", "rule", "found"),
    [
        (0.5, 0.5, False),
        (0.51, 0.5, True),
        (1.0, 0.99, True),
        (1.0, 1.0, False),
        (None, 0.5, False),
    ],
)
def test_samples_near_the_training_data_are_memorising(
    image_data: PreparedDataset, copies: float | None, rule: float, found: bool
) -> None:
    message = called(image_data, EVEN, {"memorization": copies}, max_memorized_fraction=rule)
    near = "of the samples are nearer to a training sample than 99 % of the test samples are"
    assert message == (("memorizing", f"{100 * (copies or 0):.0f} % {near}") if found else None)


def test_collapsed_comes_before_memorising(image_data: PreparedDataset) -> None:
    """A generator that makes a single training image is both, and the first says more."""
    for shares, recall in (([1.0, 0.0, 0.0, 0.0], 0.9), (EVEN, 0.0)):
        message = called(image_data, list(shares), {"recall": recall, "memorization": 1.0})
        assert message is not None
        assert message[0] == "collapsed"


def test_the_verdict_of_the_training_stands(image_data: PreparedDataset) -> None:
    good, collapsed = images(balanced(250), 3), images(0 * balanced(250), 4)
    diverged = {"kind": "diverged", "reason": "it is huge", "step": 300}
    found = run(image_data, {seed: Trained(both(one), {}, diverged) for seed, one in ((0, good), (1, collapsed))})
    assert found["statuses"] == [{"kind": "diverged", "reason": "it is huge"}] * 2
    assert found["metrics"]["frechet"]["raw"][0] is not None  # they are measured all the same


@pytest.mark.parametrize("weak", [STALLED, STALLED | {"kind": "margin_inactive"}])
def test_a_training_that_stands_still_may_have_collapsed(image_data: PreparedDataset, weak: dict[str, Any]) -> None:
    good, collapsed = images(balanced(250), 3), images(0 * balanced(250), 4)
    found = run(image_data, {seed: Trained(both(one), {}, weak) for seed, one in ((0, good), (1, collapsed))})
    assert found["statuses"] == [
        {"kind": weak["kind"], "reason": "nothing moved"},
        {"kind": "collapsed", "reason": "samples are in 1 of 4 classes"},
    ]


def test_a_training_that_was_not_finite_has_no_figures(image_data: PreparedDataset) -> None:
    """Its images look like any others: what is not a number became a pixel."""
    good, reason = images(balanced(250), 3), "critic is nan at step 17"
    ended = Trained(both(good, finite=False), {}, {"kind": "not_finite", "reason": reason, "step": 17})
    found = run(image_data, {0: ended, 1: both(good)})
    for metric in found["metrics"].values():
        for weights in ("raw", "ema"):
            assert metric[weights][0] is None
            assert metric[weights][1] is not None
            assert metric["errors"] is None or metric["errors"][weights][0] is None
    assert found["classes"]["raw"][0] == found["classes"]["ema"][0] == [None] * 4
    assert found["statuses"] == [{"kind": "not_finite", "reason": reason}, None]


def test_a_row_without_a_finite_seed_has_limits_all_the_same(image_data: PreparedDataset) -> None:
    good = images(balanced(250), 3)
    metrics = run(image_data, {0: both(good, finite=False)})["metrics"]
    assert {value for metric in metrics.values() for value in metric["raw"] + metric["ema"]} == {None}
    assert metrics["frechet"]["real_baseline"] < metrics["frechet"]["noise_baseline"]


def test_verdicts_are_of_the_raw_generator(image_data: PreparedDataset) -> None:
    good, collapsed = images(balanced(250), 3), images(0 * balanced(250), 4)
    found = run(image_data, {0: Samples(good, collapsed), 1: Samples(collapsed, good)})
    assert found["statuses"] == [None, {"kind": "collapsed", "reason": "samples are in 1 of 4 classes"}]


def test_points_collapse_onto_modes(point_data: PreparedDataset) -> None:
    good, collapsed = points(balanced(250, 3), 3), points(0 * balanced(250), 4)
    missing = points(balanced(250, 2), 3)
    copied = np.ascontiguousarray(point_data.train[:250])
    found = run(point_data, {seed: both(one) for seed, one in enumerate((good, collapsed, missing, copied))})
    kinds = [status and (status["kind"], status["reason"][:27]) for status in found["statuses"]]
    near = ("memorizing", "100 % of the samples are ne")
    assert kinds == [None, ("collapsed", "samples are in 1 of 3 modes"), None, near]
