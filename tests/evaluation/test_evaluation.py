"""The evaluation of a variant: its structure, and what it says of generators whose quality is known."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from evaluation_data import (
    CLASS_FIGURES,
    DISTANCES,
    IMAGE_FIGURES,
    MODE_FIGURES,
    PATTERNS,
    PIXEL_FIGURES,
    balanced,
    both,
    images,
    judged,
    points,
    reference,
    run,
)

from ganpipe.evaluation.evaluate import not_applicable
from ganpipe.evaluation.extractors import Classifying
from ganpipe.evaluation.reference import Samples
from ganpipe.prepared import PreparedDataset

HEAD = ["format", "variant", "title", "data", "not_applicable", "seeds"]
REST = ["protocol", "metrics", "classes", "snapshots", "nearest", "statuses"]
LOWER = ["frechet", "frechet_infinite", "kid", "class_kl", "sliced_wasserstein"]
NEITHER = ["memorization", "memorization_z", "sharpness"]
KNOWN = ("memorization", "memorization_z")
"""What an exact sampler gets by definition."""
WITH_ERRORS = ["frechet_infinite", "kid", "classifier_score", "sliced_wasserstein", "parzen"]


def test_structure_for_images(image_data: PreparedDataset) -> None:
    good, collapsed = images(balanced(250), 3), images(0 * balanced(250), 4)
    found = run(image_data, {0: Samples(good, collapsed), 7: Samples(collapsed, good)})
    assert list(found) == [*HEAD, *REST]
    assert (found["format"], found["variant"], found["title"], found["data"]) == (2, "lsgan", "LSGAN", "toy")
    assert found["not_applicable"] is None
    assert found["seeds"] == [0, 7]
    assert found["protocol"] == {
        "generated": 250,
        "real": 200,
        "split": "test",
        "real_baseline": "train split, mean of 3 draws",
        "noise_baseline": "uniform noise",
        "class_samples": 250,
        "seed": 0,
        "precision_recall_k": 3,
        "density_coverage_k": 5,
        "class_presence_threshold": 0.02,
        "kid_subsets": 4,
        "kid_size": 60,
        "fid_infinity_points": 10,
        "memorization_quantile": 0.01,
        "inception_score_splits": 2,
        "sliced_wasserstein_projections": 20,
        "parzen_bandwidths": {"min": 0.1, "max": 1.0, "count": 10},
    }
    assert list(found["metrics"]) == IMAGE_FIGURES
    keys = ["label", "better", "network", "resizer", "in_main_table", "real_baseline", "generated", "real", "split"]
    for name, metric in found["metrics"].items():
        assert list(metric) == [*keys, "real_baseline_std", "noise_baseline", "raw", "ema", "errors", "notes"]
        assert metric["label"]
        assert (metric["generated"], metric["real"], metric["split"]) == (250, 200, "test")
        assert (metric["network"], metric["resizer"]) == ("pixels" if name in PIXEL_FIGURES else "classifier", "none")
        assert len(metric["raw"]) == len(metric["ema"]) == 2
        # what raw is with one seed, ema is with the other, and the collapsed one is not the good one
        assert metric["raw"] == metric["ema"][::-1]
        assert metric["raw"][0] != metric["raw"][1], name
        assert (metric["errors"] is not None) == (name in WITH_ERRORS), name
        if metric["errors"]:
            assert metric["errors"]["raw"] == metric["errors"]["ema"][::-1]
            assert all(error > 0 for error in metric["errors"]["raw"]), name
        assert (metric["real_baseline_std"] is None) == (name in ("memorization", "memorization_z")), (
            name
        )  # known by definition
    ways = {name: metric["better"] for name, metric in found["metrics"].items()}
    assert [name for name, way in ways.items() if way == "lower"] == LOWER
    assert [name for name, way in ways.items() if way is None] == NEITHER
    leading = [name for name, metric in found["metrics"].items() if metric["in_main_table"]]
    assert leading == ["frechet", "precision", "recall", *CLASS_FIGURES]
    frechet = found["metrics"]["frechet"]
    assert frechet["raw"][0] < frechet["ema"][0]
    classes = found["classes"]
    assert classes["names"] == ["ant", "bee", "cat", "dog"]
    assert classes["real"] == [0.25] * 4
    assert classes["raw"] == [[63 / 250, 63 / 250, 62 / 250, 62 / 250], [1.0, 0.0, 0.0, 0.0]]
    assert classes["ema"] == classes["raw"][::-1]
    assert found["snapshots"] is None
    assert [status and status["kind"] for status in found["statuses"]] == [None, "collapsed"]


def test_structure_for_points(point_data: PreparedDataset) -> None:
    found = run(point_data, {0: both(points(balanced(150, 3), 3))})
    assert list(found["metrics"]) == [*MODE_FIGURES, *DISTANCES]
    assert found["protocol"]["transport_generated"] == found["protocol"]["transport_real"] == 100
    assert found["protocol"]["sliced_wasserstein_projections"] == 20
    assert "precision_recall_k" not in found["protocol"]
    assert {metric["network"] for metric in found["metrics"].values()} == {"none"}
    # the exact distance is of fewer points, and says so
    counts = {name: (metric["generated"], metric["real"]) for name, metric in found["metrics"].items()}
    assert counts.pop("wasserstein") == (100, 100)
    assert set(counts.values()) == {(150, 200)}
    assert found["classes"]["names"] == ["0", "1", "2"]
    assert found["classes"]["real"] == [1 / 3] * 3
    assert found["classes"]["raw"] == [[1 / 3] * 3]
    ways = [metric["better"] for metric in found["metrics"].values()]
    assert ways == ["higher", "higher", "lower", "lower", "lower", None, None]


def test_points_without_known_modes_have_only_the_distances(point_data: PreparedDataset) -> None:
    data = replace(point_data, modes=None, mode_std=None)
    found = run(data, {0: both(points(balanced(150, 3), 3)), 1: both(np.full((150, 2), np.nan, np.float32))})
    assert list(found["metrics"]) == DISTANCES
    assert found["metrics"]["wasserstein"]["raw"][1] is None
    assert found["classes"] is None
    assert found["statuses"][0] is None


def test_a_row_that_does_not_apply() -> None:
    assert not_applicable(variant="sngan", title="SNGAN", data="ring", reason="no images", seeds=[0, 1]) == {
        "format": 2,
        "variant": "sngan",
        "title": "SNGAN",
        "data": "ring",
        "not_applicable": "no images",
        "seeds": [0, 1],
        "protocol": {},
        "metrics": {},
        "classes": None,
        "snapshots": None,
        "nearest": None,
        "statuses": [None, None],
    }


def test_a_perfect_sampler_is_at_the_floor_and_noise_at_the_ceiling(image_data: PreparedDataset) -> None:
    noise = np.random.default_rng(5).integers(256, size=(300, 1, 6, 6), dtype=np.uint8)
    metrics = run(image_data, {0: both(images(balanced(300), 3)), 1: both(noise)})["metrics"]
    for name, metric in metrics.items():
        span = metric["noise_baseline"] - metric["real_baseline"]
        # the wide balls of scattered noise do cover the real images
        if name not in ("recall", "memorization", "memorization_z", "sharpness"):
            assert span == 0 or (span > 0) == (metric["better"] == "lower"), name
        assert metric["raw"][0] == pytest.approx(metric["real_baseline"], abs=max(0.1 * abs(span), 0.06)), name
        # of 300 samples of noise the kernel's cubes differ from one draw to the next by half of their mean
        wide = 1.0 if name == "kid" else 0.25
        assert metric["raw"][1] == pytest.approx(metric["noise_baseline"], abs=max(wide * abs(span), 0.06)), name
    assert metrics["frechet"]["noise_baseline"] > 20 * metrics["frechet"]["real_baseline"]
    assert metrics["precision"]["real_baseline"] > 0.85
    assert metrics["precision"]["noise_baseline"] < 0.5
    # without the bias of few samples an exact sampler is nearer
    assert abs(metrics["frechet_infinite"]["raw"][0]) < metrics["frechet"]["raw"][0]


def test_a_collapsed_generator_is_precise_covers_little_and_drops_classes(image_data: PreparedDataset) -> None:
    metrics = run(image_data, {0: both(images(0 * balanced(300), 3))})["metrics"]
    assert metrics["precision"]["raw"][0] > 0.85
    for name in ("recall", "coverage"):
        assert metrics[name]["raw"][0] < 0.45
        assert metrics[name]["real_baseline"] > 0.85
    assert metrics["classes_covered"]["raw"] == [1]
    assert metrics["classes_covered"]["real_baseline"] == 4
    assert metrics["smallest_class"]["raw"] == [0.0]
    assert metrics["class_kl"]["raw"][0] == pytest.approx(math.log(4.0), rel=1e-12)  # the reverse is infinite
    assert metrics["classifier_score"]["raw"][0] < 1.1 < 3.5 < metrics["classifier_score"]["real_baseline"]


@pytest.mark.parametrize("max_samples", [1000, 100])
def test_copies_of_training_images_show(image_data: PreparedDataset, max_samples: int) -> None:
    """All of them, however few are compared: each is in the train split, and that is searched as a whole."""
    found = run(
        image_data, {0: both(image_data.train[:300]), 1: both(images(balanced(300), 3))}, max_samples=max_samples
    )
    copies = found["metrics"]["memorization"]
    assert copies["real_baseline"] == 0.01
    assert copies["raw"][0] == 1.0
    assert copies["raw"][1] < 0.1
    test = found["metrics"]["memorization_z"]
    assert (test["real_baseline"], test["in_main_table"], test["better"]) == (0.0, False, None)
    assert test["raw"][0] < -10 < -4 < test["raw"][1]
    assert [status and status["kind"] for status in found["statuses"]] == ["memorizing", None]


def test_only_what_was_trained_on_can_be_memorized(image_data: PreparedDataset) -> None:
    few = replace(image_data, limit=100)
    unseen = np.setdiff1d(np.arange(len(few.train)), few.seen)
    samples = {0: both(few.train[few.seen].repeat(3, axis=0)), 1: both(few.train[unseen][:300])}
    found = run(few, samples)
    copies, others = found["metrics"]["memorization"]["raw"]
    assert copies == 1.0
    assert others < 0.1
    assert found["protocol"]["trained_on"] == 100


def test_points_of_known_quality(point_data: PreparedDataset) -> None:
    good, collapsed = points(balanced(300, 3), 3), points(0 * balanced(300), 4)
    metrics = run(point_data, {0: both(good), 1: both(collapsed)}, wasserstein_max_points=150)["metrics"]
    assert metrics["modes"]["raw"] == [3, 1]
    assert metrics["reverse_kl"]["raw"] == [0.0, pytest.approx(math.log(3.0))]
    assert min(metrics["high_quality"]["raw"]) > 0.96
    assert metrics["high_quality"]["noise_baseline"] < 0.1
    distance = metrics["wasserstein"]
    assert distance["raw"][0] < 3 * distance["real_baseline"]
    # from the first mode a third of the mass moves sqrt(5), a third 4
    assert distance["raw"][1] == pytest.approx((math.sqrt(5) + 4) / 3, abs=0.3)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_diverged_seed_has_no_figures_and_spares_the_others(point_data: PreparedDataset, value: float) -> None:
    good = points(balanced(150, 3), 3)
    bad = good.copy()
    bad[17, 1] = value
    found = run(point_data, {0: Samples(good, bad), 1: both(good), 2: Samples(bad, good)})
    for metric in found["metrics"].values():
        assert metric["ema"][0] is None
        assert None not in (
            metric["raw"][0],
            metric["raw"][1],
            *metric["ema"][1:],
            metric["real_baseline"],
            metric["noise_baseline"],
        )
    assert found["classes"]["ema"] == [[None] * 3, [1 / 3] * 3, [1 / 3] * 3]
    # by the raw generator, and there is one although the training itself had none
    assert found["statuses"] == [None, None, {"kind": "not_finite", "reason": "samples are not finite"}]


def test_diverged_images_have_no_figures(image_data: PreparedDataset) -> None:
    good = images(balanced(250), 3)
    found = run(image_data, {0: both(good), 1: Samples(np.full(good.shape, np.nan, np.float32), good)})
    assert all(metric["raw"][1] is None for metric in found["metrics"].values())
    assert found["classes"]["raw"][1] == [None] * 4
    assert None not in found["metrics"]["frechet"]["ema"]


def test_huge_points_are_measured(point_data: PreparedDataset) -> None:
    found = run(point_data, {0: both(points(balanced(150, 3), 3) * np.float32(1e30))})
    assert found["metrics"]["wasserstein"]["raw"][0] > 1e29
    assert found["metrics"]["high_quality"]["raw"][0] == 0.0


def test_huge_features_are_measured(image_data: PreparedDataset) -> None:
    """Cubed and added up they would be above float32's largest number."""
    good = {0: both(images(balanced(250), 3))}
    huge = {"classifier": ("none", lambda batch: np.float32(1e15) * batch.reshape(len(batch), -1)[:, :5])}
    metrics = run(image_data, good, opened=huge)["metrics"]
    assert metrics["kid"]["noise_baseline"] > 1e85
    for name in ("frechet", "precision", "recall", "kid", "density", "coverage", "memorization"):
        assert metrics[name]["raw"][0] is not None, name


def test_an_infinite_figure_is_null(image_data: PreparedDataset) -> None:
    """No real sample of class 3, and a generator that makes some: so do the draws of the baseline."""
    kept = image_data.test_labels != 3
    data = replace(image_data, test=image_data.test[kept], test_labels=image_data.test_labels[kept])
    metric = run(data, {0: both(images(balanced(250), 3))})["metrics"]["class_kl"]
    assert (metric["raw"], metric["real_baseline"], metric["real_baseline_std"]) == ([None], None, None)


def test_metrics_within_classes_are_those_of_a_conditional_generator(image_data: PreparedDataset) -> None:
    """Asked for the classes that the samples show, for the next ones, and for the right ones in three of four cases;
    a class that has lost its variety has a low recall."""
    asked = balanced(240)
    good = images(asked, 3)
    mostly = np.where(asked == 0, 1, asked)
    copies = good.copy()
    for label in range(4):
        copies[asked == label] = good[label]
    seeds = {
        0: Samples(good, good, labels=asked),
        1: Samples(good, good, labels=(asked + 1) % 4),
        2: Samples(good, good, labels=mostly),
        3: Samples(copies, good, labels=asked),
    }

    def probabilities(features: Any) -> Any:
        return np.eye(4)[((features[:, None] - PATTERNS.reshape(4, -1) / 255) ** 2).sum(2).argmin(1)]

    network = Classifying(lambda batch: batch.reshape(len(batch), -1).astype(np.float32) / 255, probabilities)
    real = reference(image_data, opened={"classifier": ("none", network.extract)}, classify=network)
    found = judged(real, seeds)["metrics"]
    accuracy, distance, recall = (
        found[name] for name in ("label_accuracy", "frechet_within_classes", "recall_within_classes")
    )
    assert accuracy["raw"] == [1.0, 0.0, 0.75, 1.0]
    assert accuracy["real_baseline"] == 1.0
    assert accuracy["noise_baseline"] < 0.5
    assert distance["raw"][0] < 3 * distance["real_baseline"] < distance["raw"][1]
    assert recall["raw"][0] > 0.5 > 0.1 > recall["raw"][3]
    assert recall["ema"][3] == recall["raw"][0]
    assert not any("within_classes" in name for name in judged(real, {0: both(good)})["metrics"])
