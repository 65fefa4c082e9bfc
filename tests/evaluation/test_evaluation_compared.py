"""What an evaluation compares: how many samples and which, and the bounds that stand beside them."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from evaluation_data import (
    IMAGE_FIGURES,
    Array,
    CountingExtractor,
    balanced,
    both,
    images,
    judged,
    points,
    reference,
    run,
)

from ganpipe.evaluation.baselines import PRESENT, Baseline, compute_baselines, max_generated
from ganpipe.evaluation.evaluate import generated_count
from ganpipe.evaluation.reference import Samples
from ganpipe.metrics import wasserstein
from ganpipe.metrics.inception_score import inception_score
from ganpipe.metrics.wasserstein import transport
from ganpipe.prepared import PreparedDataset


@pytest.mark.parametrize(
    ("made", "max_samples", "expected"), [(120, 1000, 120), (5000, 1000, 300), (5000, 150, 150), (120, 100, 100)]
)
def test_as_many_are_compared_as_samples_half_the_train_split_and_cap_allow(
    image_data: PreparedDataset, made: int, max_samples: int, expected: int
) -> None:
    found = run(image_data, {0: both(images(balanced(made), 3))}, max_samples=max_samples)
    assert found["protocol"]["generated"] == expected
    assert found["protocol"]["real"] == min(200, max_samples)
    assert found["protocol"]["class_samples"] == made
    counts = {(metric["generated"], metric["real"]) for metric in found["metrics"].values()}
    assert counts == {(expected, min(200, max_samples))}


def test_the_smallest_file_counts_for_all_seeds(image_data: PreparedDataset) -> None:
    real = reference(image_data)
    few, many = images(balanced(90), 3), images(balanced(240), 3)
    assert generated_count(real, [Samples(many, few), both(many)]) == 90


def test_class_shares_are_over_all_samples_and_the_figures_over_the_chosen(image_data: PreparedDataset) -> None:
    """One sample of class 3 in 4000 shows in the shares, whether or not it is among the 100 compared."""
    labels = np.append(np.array([0, 1, 2])[balanced(3999, 3)], 3)
    network = CountingExtractor()
    found = judged(reference(image_data, network, max_samples=100), {0: both(images(labels, 3))})
    assert found["classes"]["raw"][0][3] == 1 / 4000
    assert found["protocol"]["generated"] == 100
    assert found["metrics"]["smallest_class"]["raw"] == [0.0]
    assert network.calls == [4000, 100, 100, 100, 100]  # raw and ema, which are the same here, three real draws, noise


def test_only_the_chosen_images_are_compared(image_data: PreparedDataset) -> None:
    """Noise in all other places of the file leaves the metrics as they are, and shows in the shares."""
    real = reference(image_data, max_samples=100)
    chosen = real.choose(np.arange(2000), 100, "samples")
    samples = np.random.default_rng(6).integers(256, size=(2000, 1, 6, 6), dtype=np.uint8)
    samples[chosen] = images(balanced(100), 3)
    spoilt, good = real.measure(samples, 100), real.measure(samples[chosen], 100)
    for name in IMAGE_FIGURES:
        one, other = spoilt.values[name], good.values[name]
        assert one.value == (None if other.value is None else pytest.approx(other.value, rel=1e-9)), name
    assert spoilt.shares != good.shares


def test_only_the_chosen_points_are_compared(point_data: PreparedDataset) -> None:
    real = reference(point_data, max_samples=150)
    chosen = real.choose(np.arange(2000), 150, "samples")
    samples = np.zeros((2000, 2), np.float32) - 50
    samples[chosen] = points(balanced(150, 3), 3)
    spoilt, good = real.measure(samples, 150), real.measure(samples[chosen], 150)
    assert spoilt.values == good.values
    assert spoilt.shares[0] == (50 + 1850) / 2000


def test_the_same_places_are_chosen_whatever_the_row_seed_and_global_state(image_data: PreparedDataset) -> None:
    samples = images(balanced(900), 3)
    first = run(image_data, {0: both(samples)}, max_samples=100)
    np.random.seed(5)
    second = run(image_data, {3: both(samples), 4: Samples(images(balanced(900), 8), samples)}, max_samples=100)
    for name in IMAGE_FIGURES:
        one, two = first["metrics"][name], second["metrics"][name]
        assert one["raw"] == one["ema"] == two["raw"][:1] == two["ema"][:1] == two["ema"][1:]
        for key in ("real_baseline", "real_baseline_std", "noise_baseline"):
            assert one[key] == two[key]
    other = run(image_data, {0: both(samples)}, max_samples=100, seed=1)
    for key in ("raw", "real_baseline", "noise_baseline"):
        assert first["metrics"]["frechet"][key] != other["metrics"]["frechet"][key]


def test_bounds_can_be_kept(image_data: PreparedDataset) -> None:
    samples = {0: both(images(balanced(250), 3))}
    network = CountingExtractor()
    real = reference(image_data, network)
    kept = compute_baselines(real, generated_count(real, list(samples.values())))
    fresh = judged(real, samples)
    network.calls.clear()
    assert judged(real, samples, all_baselines={250: kept}) == fresh
    assert network.calls == [250]  # neither training images nor noise again
    assert judged(real, samples, all_baselines={249: kept}) == fresh  # those of another number are of no use
    assert network.calls[1:] == [250, 250, 250, 250, 250]
    marked = {name: Baseline(-1.0, None, None) for name in kept}
    metrics = judged(real, samples, all_baselines={250: marked})["metrics"]
    baselines = {
        (metric["real_baseline"], metric["real_baseline_std"], metric["noise_baseline"]) for metric in metrics.values()
    }
    assert baselines == {(-1.0, None, None)}


def test_the_floor_is_the_mean_over_draws_of_training_samples(image_data: PreparedDataset) -> None:
    real = reference(image_data, baseline_draws=4)
    found = compute_baselines(real, 200)
    assert list(found) == [*IMAGE_FIGURES, PRESENT]
    assert found.pop(PRESENT).real_baseline == 4
    drawn = [real.choose(image_data.train, 200, f"floor {draw}") for draw in range(4)]
    values = [real.measure(samples, 200).value("frechet") for samples in drawn]
    assert len(set(values)) == 4
    assert found["frechet"].real_baseline == pytest.approx(statistics.fmean(values), rel=1e-12)
    assert found["frechet"].std == pytest.approx(statistics.stdev(values), rel=1e-12)
    assert (found["memorization"].real_baseline, found["memorization"].std) == (
        0.01,
        None,
    )  # training samples are copies themselves


def test_floor_is_the_train_split_against_the_test_split(image_data: PreparedDataset) -> None:
    """With each test image twice in place of the train images hardly anything is between them."""
    train, labels = np.repeat(image_data.test, 2, axis=0), np.repeat(image_data.test_labels, 2)
    near = compute_baselines(reference(replace(image_data, train=train, train_labels=labels)), 200)
    far = compute_baselines(reference(image_data), 200)
    assert near["precision"].real_baseline == 1.0
    assert near["precision"].std == 0.0
    assert far["precision"].real_baseline < 1.0
    assert near["frechet"].real_baseline < 0.5 * far["frechet"].real_baseline


def test_the_split_can_be_halved_and_no_more(image_data: PreparedDataset) -> None:
    assert max_generated(reference(image_data)) == 300
    assert max_generated(reference(replace(image_data, train=image_data.train[:201]))) == 100
    assert max_generated(reference(image_data, max_samples=60)) == 60


def test_noise_fills_twice_the_bounding_box(point_data: PreparedDataset) -> None:
    low, high = point_data.train.min(axis=0), point_data.train.max(axis=0)
    noise = reference(point_data).noise(20_000)
    assert noise.dtype == np.float32
    np.testing.assert_allclose(noise.max(axis=0) - noise.min(axis=0), 2 * (high - low), rtol=1e-3)
    np.testing.assert_allclose(noise.mean(axis=0), (low + high) / 2, atol=0.05)


def test_noise_images_use_every_level(image_data: PreparedDataset) -> None:
    noise = reference(image_data).noise(500)
    assert noise.dtype == np.uint8
    assert noise.shape == (500, 1, 6, 6)
    assert len(np.unique(noise)) == 256


def test_transport_is_limited_on_both_sides(point_data: PreparedDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []

    def spy(*, generated: Array, real: Array, solve: Callable[..., Any] = transport) -> Any:
        sizes.append((len(generated), len(real)))
        return solve(generated=generated, real=real)

    monkeypatch.setattr(wasserstein, "transport", spy)
    run(point_data, {0: both(points(balanced(150, 3), 3))}, wasserstein_max_points=40)
    assert set(sizes) == {(40, 40)}
    sizes.clear()
    found = run(point_data, {0: both(points(balanced(150, 3), 3))}, wasserstein_max_points=1000)
    assert set(sizes) == {(150, 200)}
    metric, protocol = found["metrics"]["wasserstein"], found["protocol"]
    assert (metric["generated"], metric["real"]) == (150, 200)
    assert (protocol["transport_generated"], protocol["transport_real"]) == (150, 200)


def test_a_larger_file_brings_no_smaller_divergence_of_the_classes(image_data: PreparedDataset) -> None:
    """An exact sampler of K classes is (K - 1) / 2 n away with n samples: the compared ones count."""
    real, found = reference(image_data), []
    for seed in range(3, 13):
        labels = np.random.default_rng(seed).integers(4, size=20_000)
        found.append(real.measure(images(labels, seed), 300, quick=True).value("class_kl"))
    assert 0.4 < statistics.fmean(found) / (3 / 600) < 2.5  # of all 20,000 it would be 0.015


def test_subsets_are_at_most_half_of_a_side(image_data: PreparedDataset) -> None:
    """Subsets of the whole side are all the same, and their spread would be no error."""
    good = both(images(balanced(120), 3))
    found = run(image_data, {0: good}, kid={"subsets": 20, "size": 1000})
    assert found["protocol"]["kid_size"] == 60
    kid = found["metrics"]["kid"]
    assert kid["errors"]["raw"][0] > 0.01 * abs(kid["raw"][0])
    assert kid["notes"] is None
    fewer = run(image_data, {0: both(images(balanced(350), 3))}, kid={"subsets": 2, "size": 1000})
    assert fewer["protocol"]["kid_size"] == 100  # half of the 200 real ones


def test_one_subset_or_split_has_no_error(image_data: PreparedDataset) -> None:
    one = {"kid": {"subsets": 1, "size": 60}, "inception_score_splits": 1}
    metrics = run(image_data, {0: both(images(balanced(200), 3))}, **one)["metrics"]
    for name, of in (("kid", "subset"), ("classifier_score", "split")):
        assert metrics[name]["raw"][0] is not None
        assert metrics[name]["errors"] is None
        assert metrics[name]["notes"] == {
            "raw": [f"one {of} has no standard error"],
            "ema": metrics[name]["notes"]["raw"],
        }


def test_the_error_of_the_score_is_that_of_a_mean_of_splits(image_data: PreparedDataset) -> None:
    """Two splits a and b: the standard error of their mean is |a - b| / 2, and the mean is theirs."""
    samples = images(balanced(201), 3)
    real = reference(image_data, inception_score_splits=2)
    value = real.measure(samples, 200).values["classifier_score"]
    probabilities = CountingExtractor().classify(samples[real.choose(np.arange(201), 200, "samples")])
    score = inception_score(probabilities, splits=2, rng=real.random("splits"))
    assert value.value == pytest.approx(score.mean)
    assert value.error == pytest.approx(abs(score.splits[0] - score.splits[1]) / 2)
