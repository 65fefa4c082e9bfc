"""Data of a thousand modes, an image in each channel, and data without classes."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evaluation_data import (
    PARAMETERS,
    PIXEL_FIGURES,
    SPACE_FIGURES,
    Array,
    balanced,
    both,
    images,
    judged,
    on_images,
    parameters,
    quick_of,
    reference,
)
from numpy.typing import NDArray

from ganpipe.evaluation.extractors.pixels import pixels
from ganpipe.evaluation.reference import Reference, Samples
from ganpipe.evaluation.setup import open_reference
from ganpipe.prepared import PreparedDataset
from ganpipe.utils.errors import UserError

BASE, MODES = 10, 1000
DIGITS = np.random.default_rng(97).integers(256, size=(BASE, 4, 4), dtype=np.uint8)
POWERS = np.array([100, 10, 1])
PIXELS = {"pixels": ("none", pixels)}
DRAWS = 6


def stacked(labels: Array) -> NDArray[np.uint8]:
    """The digits of each label as channels, without noise."""
    return DIGITS[labels[:, None] // POWERS % BASE]


def drawn(count: int, seed: int, modes: int = MODES) -> NDArray[np.int64]:
    return np.random.default_rng(seed).integers(modes, size=count)


def classify(batch: Array) -> NDArray[np.float64]:
    """Sure of the nearest digit in each channel."""
    digits = np.abs(batch[:, :, None].astype(int) - DIGITS).sum(axis=(3, 4)).argmin(axis=2)
    return np.eye(MODES)[digits @ POWERS]


@pytest.fixture(scope="module")
def thousand() -> Reference:
    """The test split has a few images of most modes and none of some: 1000 e^-5 = 7 of them."""
    train, test = drawn(8000, 1), drawn(5000, 2)
    data = PreparedDataset(stacked(train), train, stacked(test), test, classes=MODES, base=BASE)
    assert MODES - len(np.unique(test)) > 0
    changes: dict[str, Any] = {"max_samples": 2500, "sliced_wasserstein_projections": 2, "baseline_draws": 2}
    return reference(data, opened=PIXELS, classify=on_images(classify), **changes)


def test_modes_are_counted_and_no_share_is_listed(thousand: Reference) -> None:
    """A generator of ten modes has ten, and is collapsed."""
    few = stacked(drawn(2500, 3, modes=10))
    found = judged(thousand, {0: both(few), 1: Samples(stacked(drawn(2500, 4)), few)})
    metrics = found["metrics"]
    assert list(metrics) == [*SPACE_FIGURES, "modes", "class_kl", "classifier_score", *PIXEL_FIGURES]
    assert metrics["modes"]["label"] == "Modes of 1000 with a sample"
    assert metrics["modes"]["in_main_table"]
    assert metrics["modes"]["raw"][0] == metrics["modes"]["ema"][1] == 10
    assert found["classes"] is None
    message = f"samples are in 10 of 1000 classes, and as many real ones in {metrics['modes']['real_baseline']:.4g}"
    assert found["statuses"] == [{"kind": "collapsed", "reason": message}, None]
    assert quick_of(thousand) == ("frechet", "precision", "recall", "modes")
    assert metrics["class_kl"]["raw"][0] == pytest.approx(np.log(100), abs=0.1)


def test_an_exact_sampler_reaches_nearly_all_modes(thousand: Reference) -> None:
    """K (1 - (1 - 1/K)^n) of K modes with n samples: 918 with 2,500, and so does the baseline."""
    measured = [thousand.measure(stacked(drawn(2500, seed)), 2500, quick=True) for seed in range(10, 10 + DRAWS)]
    expected = MODES * (1 - (1 - 1 / MODES) ** 2500)
    # the number of empty cells has the variance K (e^-c - (1 + c) e^-2c), c = n / K (Feller 1968, section IV.2)
    deviation = np.sqrt(MODES * (np.exp(-2.5) - 3.5 * np.exp(-5.0)) / DRAWS)
    found = statistics.fmean(one.value("modes") or 0.0 for one in measured)
    assert found == pytest.approx(expected, abs=3 * deviation)
    assert statistics.fmean(one.value("class_kl") or 0.0 for one in measured) == pytest.approx(0.2, rel=0.2)


def test_few_samples_of_an_exact_sampler_are_not_collapsed(thousand: Reference) -> None:
    """With 300 of them it reaches 1000 (1 - e^-0.3) = 259 modes, and real images do no better."""
    few = stacked(drawn(300, 3, modes=100))
    found = judged(thousand, {0: both(stacked(drawn(300, 20))), 1: both(few)})
    reached = found["metrics"]["modes"]["raw"]
    assert reached[0] < 300
    there = f"samples are in {reached[1]} of 1000 classes, and as many real ones in "
    assert found["statuses"][0] is None
    assert found["statuses"][1]["reason"].startswith(there)


def test_the_divergence_of_a_thousand_modes_is_finite_for_an_exact_sampler(thousand: Reference) -> None:
    """Modes without a test image are there all the same: the real shares are products of the channels' shares."""
    assert thousand.real_shares.sum() == pytest.approx(1.0)
    assert 0.0 < thousand.real_shares.min() < 0.001 < thousand.real_shares.max() < 0.002
    labels = thousand.data.test_labels
    first, last = np.mean(labels // 100 == 7), np.mean(labels % 10 == 3)
    middle = np.mean(labels // 10 % 10 == 2)
    assert thousand.real_shares[723] == pytest.approx(first * middle * last)


def class_free() -> PreparedDataset:
    train, test = balanced(400), balanced(200)
    nothing = [np.zeros(len(labels), np.int64) for labels in (train, test)]
    return PreparedDataset(images(train, 1), nothing[0], images(test, 2), nothing[1], classes=1)


def test_without_classes_there_are_no_figures_of_them() -> None:
    real = reference(class_free(), opened=PIXELS)
    good, collapsed = images(balanced(200), 3), images(0 * balanced(200), 4)
    found = judged(real, {0: both(good), 1: both(collapsed)})
    assert list(found["metrics"]) == [*SPACE_FIGURES, *PIXEL_FIGURES]
    assert {metric["network"] for metric in found["metrics"].values()} == {"pixels"}
    assert quick_of(real) == ("frechet", "precision", "recall")
    assert found["classes"] is None
    assert found["metrics"]["frechet"]["raw"][0] < found["metrics"]["frechet"]["raw"][1]
    assert found["statuses"][0] is None


def test_without_classes_collapse_shows_in_recall() -> None:
    good = class_free()
    single = np.repeat(good.test[:1], 200, axis=0)
    found = judged(reference(good, opened=PIXELS), {0: both(single)})
    real_recall = found["metrics"]["recall"]["real_baseline"]
    assert found["statuses"] == [
        {"kind": "collapsed", "reason": f"recall is 0.005, and {real_recall:.2g} for real images"}
    ]


def test_the_pipeline_opens_no_classifier_for_data_without_classes(tmp_path: Path) -> None:
    runtime = {"device": "cpu", "threads": 1, "precision": "float32", "deterministic": False}
    spec: dict[str, Any] = {"data": "faces", "runtime": runtime, "classifier": {}}
    spec["params"] = PARAMETERS | {"feature_extractors": ["pixels"]}
    real = open_reference(spec, class_free(), tmp_path, stored=False)
    assert list(real.views) == ["features-pixels", "images-pixels"]
    spec["params"] = PARAMETERS | {"feature_extractors": ["pixels", "classifier"]}
    with pytest.raises(UserError) as caught:
        open_reference(spec, class_free(), tmp_path, stored=False)
    assert str(caught.value) == parameters(feature_extractors=["pixels", "classifier"]).incompatibility("faces", 1)
    assert str(caught.value).startswith(
        "evaluate.feature_extractors is ['pixels', 'classifier'], and faces has one class, so "
    )
