"""The evaluation of a row: its structure, and what it says of generators whose quality is known."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from evaluation_data import (
    CLASS_FIGURES,
    DISTANCES,
    IMAGE_FIGURES,
    MODE_FIGURES,
    PIXEL_FIGURES,
    balanced,
    both,
    images,
    points,
    run,
)

from ganpipe.evaluation.evaluate import not_applicable
from ganpipe.evaluation.reference import Samples
from ganpipe.prepared import PreparedDataset

HEAD = ["format", "row", "title", "data", "not_applicable", "seeds"]
REST = ["protocol", "figures", "classes", "snapshots", "verdicts"]
LOWER = ["frechet", "frechet_infinite", "kid", "class_kl", "sliced_wasserstein"]
NEITHER = ["memorization", "memorization_z", "sharpness"]
KNOWN = ("memorization", "memorization_z")
"""What an exact sampler gets by definition."""
WITH_ERRORS = ["frechet_infinite", "kid", "classifier_score", "sliced_wasserstein", "parzen"]


def test_structure_for_images(image_data: PreparedDataset) -> None:
    good, collapsed = images(balanced(250), 3), images(0 * balanced(250), 4)
    found = run(image_data, {0: Samples(good, collapsed), 7: Samples(collapsed, good)})
    assert list(found) == [*HEAD, *REST]
    assert (found["format"], found["row"], found["title"], found["data"]) == (2, "lsgan", "LSGAN", "toy")
    assert found["not_applicable"] is None
    assert found["seeds"] == [0, 7]
    assert found["protocol"] == {
        "generated": 250,
        "real": 200,
        "split": "test",
        "floor": "train split, mean of 3 draws",
        "ceiling": "uniform noise",
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
    assert list(found["figures"]) == IMAGE_FIGURES
    keys = ["label", "better", "network", "resizer", "leads", "floor", "generated", "real", "split"]
    for name, figure in found["figures"].items():
        assert list(figure) == [*keys, "real_baseline_std", "ceiling", "raw", "ema", "errors", "notes"]
        assert figure["label"]
        assert (figure["generated"], figure["real"], figure["split"]) == (250, 200, "test")
        assert (figure["network"], figure["resizer"]) == ("pixels" if name in PIXEL_FIGURES else "classifier", "none")
        assert len(figure["raw"]) == len(figure["ema"]) == 2
        # what raw is with one seed, ema is with the other, and the collapsed one is not the good one
        assert figure["raw"] == figure["ema"][::-1]
        assert figure["raw"][0] != figure["raw"][1], name
        assert (figure["errors"] is not None) == (name in WITH_ERRORS), name
        if figure["errors"]:
            assert figure["errors"]["raw"] == figure["errors"]["ema"][::-1]
            assert all(error > 0 for error in figure["errors"]["raw"]), name
        assert (figure["real_baseline_std"] is None) == (name in ("memorization", "memorization_z")), (
            name
        )  # known by definition
    ways = {name: figure["better"] for name, figure in found["figures"].items()}
    assert [name for name, way in ways.items() if way == "lower"] == LOWER
    assert [name for name, way in ways.items() if way is None] == NEITHER
    leading = [name for name, figure in found["figures"].items() if figure["leads"]]
    assert leading == ["frechet", "precision", "recall", *CLASS_FIGURES]
    frechet = found["figures"]["frechet"]
    assert frechet["raw"][0] < frechet["ema"][0]
    classes = found["classes"]
    assert classes["names"] == ["0", "1", "2", "3"]
    assert classes["real"] == [0.25] * 4
    assert classes["raw"] == [[63 / 250, 63 / 250, 62 / 250, 62 / 250], [1.0, 0.0, 0.0, 0.0]]
    assert classes["ema"] == classes["raw"][::-1]
    assert found["snapshots"] is None
    assert [verdict and verdict["kind"] for verdict in found["verdicts"]] == [None, "collapsed"]


def test_structure_for_points(point_data: PreparedDataset) -> None:
    found = run(point_data, {0: both(points(balanced(150, 3), 3))})
    assert list(found["figures"]) == [*MODE_FIGURES, *DISTANCES]
    assert found["protocol"]["transport_generated"] == found["protocol"]["transport_real"] == 100
    assert found["protocol"]["sliced_wasserstein_projections"] == 20
    assert "precision_recall_k" not in found["protocol"]
    assert {figure["network"] for figure in found["figures"].values()} == {"none"}
    # the exact distance is of fewer points, and says so
    counts = {name: (figure["generated"], figure["real"]) for name, figure in found["figures"].items()}
    assert counts.pop("wasserstein") == (100, 100)
    assert set(counts.values()) == {(150, 200)}
    assert found["classes"]["real"] == [1 / 3] * 3
    assert found["classes"]["raw"] == [[1 / 3] * 3]
    ways = [figure["better"] for figure in found["figures"].values()]
    assert ways == ["higher", "higher", "lower", "lower", "lower", None, None]


def test_points_without_known_modes_have_only_the_distances(point_data: PreparedDataset) -> None:
    data = replace(point_data, modes=None, mode_std=None)
    found = run(data, {0: both(points(balanced(150, 3), 3)), 1: both(np.full((150, 2), np.nan, np.float32))})
    assert list(found["figures"]) == DISTANCES
    assert found["figures"]["wasserstein"]["raw"][1] is None
    assert found["classes"] is None
    assert found["verdicts"][0] is None


def test_a_row_that_does_not_apply() -> None:
    assert not_applicable(row="sngan", title="SNGAN", data="ring", reason="no images", seeds=[0, 1]) == {
        "format": 2,
        "row": "sngan",
        "title": "SNGAN",
        "data": "ring",
        "not_applicable": "no images",
        "seeds": [0, 1],
        "protocol": {},
        "figures": {},
        "classes": None,
        "snapshots": None,
        "verdicts": [None, None],
    }


def test_a_perfect_sampler_is_at_the_floor_and_noise_at_the_ceiling(image_data: PreparedDataset) -> None:
    noise = np.random.default_rng(5).integers(256, size=(300, 1, 6, 6), dtype=np.uint8)
    figures = run(image_data, {0: both(images(balanced(300), 3)), 1: both(noise)})["figures"]
    for name, figure in figures.items():
        span = figure["ceiling"] - figure["floor"]
        # the wide balls of scattered noise do cover the real images
        if name not in ("recall", "memorization", "memorization_z", "sharpness"):
            assert span == 0 or (span > 0) == (figure["better"] == "lower"), name
        assert figure["raw"][0] == pytest.approx(figure["floor"], abs=max(0.1 * abs(span), 0.06)), name
        # of 300 samples of noise the kernel's cubes differ from one draw to the next by half of their mean
        wide = 1.0 if name == "kid" else 0.25
        assert figure["raw"][1] == pytest.approx(figure["ceiling"], abs=max(wide * abs(span), 0.06)), name
    assert figures["frechet"]["ceiling"] > 20 * figures["frechet"]["floor"]
    assert figures["precision"]["floor"] > 0.85
    assert figures["precision"]["ceiling"] < 0.5
    # without the bias of few samples an exact sampler is nearer
    assert abs(figures["frechet_infinite"]["raw"][0]) < figures["frechet"]["raw"][0]


def test_a_collapsed_generator_is_precise_covers_little_and_drops_classes(image_data: PreparedDataset) -> None:
    figures = run(image_data, {0: both(images(0 * balanced(300), 3))})["figures"]
    assert figures["precision"]["raw"][0] > 0.85
    for name in ("recall", "coverage"):
        assert figures[name]["raw"][0] < 0.45
        assert figures[name]["floor"] > 0.85
    assert figures["classes_covered"]["raw"] == [1]
    assert figures["classes_covered"]["floor"] == 4
    assert figures["smallest_class"]["raw"] == [0.0]
    assert figures["class_kl"]["raw"][0] == pytest.approx(math.log(4.0), rel=1e-12)  # the reverse is infinite
    assert figures["classifier_score"]["raw"][0] < 1.1 < 3.5 < figures["classifier_score"]["floor"]


@pytest.mark.parametrize("max_samples", [1000, 100])
def test_copies_of_training_images_show(image_data: PreparedDataset, cap: int) -> None:
    """All of them, however few are compared: each is in the train split, and that is searched as a whole."""
    found = run(image_data, {0: both(image_data.train[:300]), 1: both(images(balanced(300), 3))}, max_samples=cap)
    copies = found["figures"]["memorization"]
    assert copies["floor"] == 0.01
    assert copies["raw"][0] == 1.0
    assert copies["raw"][1] < 0.1
    test = found["figures"]["memorization_z"]
    assert (test["floor"], test["leads"], test["better"]) == (0.0, False, None)
    assert test["raw"][0] < -10 < -4 < test["raw"][1]
    assert [verdict and verdict["kind"] for verdict in found["verdicts"]] == ["memorizing", None]


def test_points_of_known_quality(point_data: PreparedDataset) -> None:
    good, collapsed = points(balanced(300, 3), 3), points(0 * balanced(300), 4)
    figures = run(point_data, {0: both(good), 1: both(collapsed)}, wasserstein_max_points=150)["figures"]
    assert figures["modes"]["raw"] == [3, 1]
    assert figures["reverse_kl"]["raw"] == [0.0, pytest.approx(math.log(3.0))]
    assert min(figures["high_quality"]["raw"]) > 0.96
    assert figures["high_quality"]["ceiling"] < 0.1
    distance = figures["wasserstein"]
    assert distance["raw"][0] < 3 * distance["floor"]
    # from the first mode a third of the mass moves sqrt(5), a third 4
    assert distance["raw"][1] == pytest.approx((math.sqrt(5) + 4) / 3, abs=0.3)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_diverged_seed_has_no_figures_and_spares_the_others(point_data: PreparedDataset, value: float) -> None:
    good = points(balanced(150, 3), 3)
    bad = good.copy()
    bad[17, 1] = value
    found = run(point_data, {0: Samples(good, bad), 1: both(good), 2: Samples(bad, good)})
    for figure in found["figures"].values():
        assert figure["ema"][0] is None
        assert None not in (figure["raw"][0], figure["raw"][1], *figure["ema"][1:], figure["floor"], figure["ceiling"])
    assert found["classes"]["ema"] == [[None] * 3, [1 / 3] * 3, [1 / 3] * 3]
    # by the raw generator, and there is one although the training itself had none
    assert found["verdicts"] == [None, None, {"kind": "not_finite", "reason": "samples are not finite"}]


def test_diverged_images_have_no_figures(image_data: PreparedDataset) -> None:
    good = images(balanced(250), 3)
    found = run(image_data, {0: both(good), 1: Samples(np.full(good.shape, np.nan, np.float32), good)})
    assert all(figure["raw"][1] is None for figure in found["figures"].values())
    assert found["classes"]["raw"][1] == [None] * 4
    assert None not in found["figures"]["frechet"]["ema"]


def test_huge_points_are_measured(point_data: PreparedDataset) -> None:
    found = run(point_data, {0: both(points(balanced(150, 3), 3) * np.float32(1e30))})
    assert found["figures"]["wasserstein"]["raw"][0] > 1e29
    assert found["figures"]["high_quality"]["raw"][0] == 0.0


def test_huge_features_are_measured(image_data: PreparedDataset) -> None:
    """Cubed and added up they would be above float32's largest number."""
    good = {0: both(images(balanced(250), 3))}
    huge = {"classifier": ("none", lambda batch: np.float32(1e15) * batch.reshape(len(batch), -1)[:, :5])}
    figures = run(image_data, good, opened=huge)["figures"]
    assert figures["kid"]["ceiling"] > 1e85
    for name in ("frechet", "precision", "recall", "kid", "density", "coverage", "memorization"):
        assert figures[name]["raw"][0] is not None, name


def test_an_infinite_figure_is_null(image_data: PreparedDataset) -> None:
    """No real sample of class 3, and a generator that makes some: so do the floor's draws."""
    kept = image_data.test_labels != 3
    data = replace(image_data, test=image_data.test[kept], test_labels=image_data.test_labels[kept])
    figure = run(data, {0: both(images(balanced(250), 3))})["figures"]["class_kl"]
    assert (figure["raw"], figure["floor"], figure["real_baseline_std"]) == ([None], None, None)
