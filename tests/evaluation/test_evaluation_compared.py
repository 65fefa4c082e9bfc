"""What an evaluation compares: how many samples and which, and the bounds that stand beside them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from evaluation_data import (
    IMAGE_FIGURES,
    Array,
    Classifier,
    balanced,
    both,
    images,
    parameters,
    points,
    run,
)

from ganpipe import evaluation
from ganpipe.evaluation import Bounds, Samples, bounds, evaluate, generated_count, reference
from ganpipe.metrics.wasserstein import transport
from ganpipe.prepared import Prepared


@pytest.mark.parametrize(
    ("made", "cap", "expected"), [(120, 1000, 120), (5000, 1000, 300), (5000, 150, 150), (120, 100, 100)]
)
def test_as_many_are_compared_as_samples_train_split_and_cap_allow(
    image_data: Prepared, made: int, cap: int, expected: int
) -> None:
    found = run(image_data, {0: both(images(balanced(made), 3))}, cap=cap)
    assert found["protocol"]["generated"] == expected
    assert found["protocol"]["real"] == min(200, cap)
    assert found["protocol"]["class_samples"] == made


def test_the_smallest_file_counts_for_all_seeds(image_data: Prepared) -> None:
    real = reference(image_data, parameters(), Classifier())
    few, many = images(balanced(90), 3), images(balanced(240), 3)
    assert generated_count(real, {0: Samples(many, few), 1: both(many)}) == 90


def test_class_figures_are_over_all_samples_and_the_rest_over_the_chosen(image_data: Prepared) -> None:
    """One sample of class 3 in 4000 shows in the shares, whether or not it is among the 100 compared."""
    labels = np.append(np.array([0, 1, 2])[balanced(3999, 3)], 3)
    classifier = Classifier()
    found = evaluate(
        reference(image_data, parameters(cap=100), classifier),
        {0: both(images(labels, 3))},
        row="a",
        title="A",
        data="toy",
    )
    assert found["classes"]["raw"][0][3] == 1 / 4000
    assert found["figures"]["smallest_class"]["raw"] == [1 / 4000]
    assert found["protocol"]["generated"] == 100
    assert classifier.calls == [100, 4000, 4000, 100, 100]  # real, raw, ema, floor, ceiling


def test_only_the_chosen_images_are_compared(image_data: Prepared) -> None:
    """Noise in all other places of the file leaves those figures as they are, and shows in the classes."""
    real = reference(image_data, parameters(cap=100), Classifier())
    chosen = real.choose(np.arange(2000), 100, "samples")
    samples = np.random.default_rng(6).integers(256, size=(2000, 1, 6, 6), dtype=np.uint8)
    samples[chosen] = images(balanced(100), 3)
    spoilt, good = real.measure(samples, 100), real.measure(samples[chosen], 100)
    for name in ("frechet", "precision", "recall"):
        assert spoilt.figures[name] == pytest.approx(good.figures[name], rel=1e-9)
    assert spoilt.figures["class_kl"] != good.figures["class_kl"]


def test_only_the_chosen_points_are_compared(point_data: Prepared) -> None:
    real = reference(point_data, parameters(cap=150), None)
    chosen = real.choose(np.arange(2000), 150, "samples")
    samples = np.zeros((2000, 2), np.float32) - 50
    samples[chosen] = points(balanced(150, 3), 3)
    spoilt, good = real.measure(samples, 150), real.measure(samples[chosen], 150)
    assert spoilt.figures == good.figures
    assert spoilt.shares[0] == (50 + 1850) / 2000


def test_the_same_places_are_chosen_whatever_the_row_seed_and_global_state(image_data: Prepared) -> None:
    samples = images(balanced(900), 3)
    first = run(image_data, {0: both(samples)}, cap=100)
    np.random.seed(5)
    second = run(image_data, {3: both(samples), 4: Samples(images(balanced(900), 8), samples)}, cap=100)
    for name in IMAGE_FIGURES:
        one, two = first["figures"][name], second["figures"][name]
        assert one["raw"] == one["ema"] == two["raw"][:1] == two["ema"][:1] == two["ema"][1:]
        assert (one["floor"], one["ceiling"]) == (two["floor"], two["ceiling"])
    other = run(image_data, {0: both(samples)}, cap=100, seed=1)
    for key in ("raw", "floor", "ceiling"):
        assert first["figures"]["frechet"][key] != other["figures"]["frechet"][key]


def test_bounds_can_be_kept(image_data: Prepared) -> None:
    samples = {0: both(images(balanced(250), 3))}
    classifier = Classifier()
    real = reference(image_data, parameters(), classifier)
    kept = bounds(real, generated_count(real, samples))
    fresh = evaluate(real, samples, row="a", title="A", data="toy")
    classifier.calls.clear()
    assert evaluate(real, samples, row="a", title="A", data="toy", limits=kept) == fresh
    assert classifier.calls == [250, 250]  # neither train images nor noise again
    marked = {name: Bounds(-1.0, None) for name in kept}
    figures = evaluate(real, samples, row="a", title="A", data="toy", limits=marked)["figures"]
    assert {(figure["floor"], figure["ceiling"]) for figure in figures.values()} == {(-1.0, None)}


def test_floor_is_the_train_split_against_the_test_split(image_data: Prepared) -> None:
    """With the test images in place of the train images nothing is between them."""
    same = replace(image_data, train=image_data.test, train_labels=image_data.test_labels)
    real = reference(same, parameters(), Classifier())
    found = bounds(real, 200)
    assert found["frechet"].floor == pytest.approx(0.0, abs=1e-20)
    assert (found["precision"].floor, found["recall"].floor) == (1.0, 1.0)


def test_noise_fills_twice_the_bounding_box(point_data: Prepared) -> None:
    low, high = point_data.train.min(axis=0), point_data.train.max(axis=0)
    noise = reference(point_data, parameters(), None).noise(20_000)
    assert noise.dtype == np.float32
    np.testing.assert_allclose(noise.max(axis=0) - noise.min(axis=0), 2 * (high - low), rtol=1e-3)
    np.testing.assert_allclose(noise.mean(axis=0), (low + high) / 2, atol=0.05)


def test_noise_images_use_every_level(image_data: Prepared) -> None:
    noise = reference(image_data, parameters(), Classifier()).noise(500)
    assert noise.dtype == np.uint8
    assert noise.shape == (500, 1, 6, 6)
    assert len(np.unique(noise)) == 256


def test_transport_is_limited_on_both_sides(point_data: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []

    def spy(*, generated: Array, real: Array, solve: Callable[..., Any] = transport) -> Any:
        sizes.append((len(generated), len(real)))
        return solve(generated=generated, real=real)

    monkeypatch.setattr(evaluation, "transport", spy)
    run(point_data, {0: both(points(balanced(150, 3), 3))}, transport=40)
    assert set(sizes) == {(40, 40)}
    sizes.clear()
    found = run(point_data, {0: both(points(balanced(150, 3), 3))}, transport=1000)
    assert set(sizes) == {(150, 200)}
    assert found["protocol"]["transport_generated"] == 150
    assert found["protocol"]["transport_real"] == 200
