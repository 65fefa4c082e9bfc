"""The evaluation of a row: its structure, and what it says of generators whose quality is known."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from ganpipe import evaluation
from ganpipe.errors import BadInput
from ganpipe.evaluation import (
    Bounds,
    EvaluateParams,
    Samples,
    bounds,
    evaluate,
    generated_count,
    not_applicable,
    reference,
)
from ganpipe.metrics.wasserstein import transport
from ganpipe.prepared import Prepared

Array = NDArray[Any]
CLASSES = 4
IMAGE_FIGURES = ["frechet", "precision", "recall", "classes_covered", "smallest_class", "class_kl"]
POINT_FIGURES = ["modes", "high_quality", "reverse_kl", "wasserstein"]
PATTERNS = np.random.default_rng(99).integers(40, 216, size=(CLASSES, 1, 6, 6))
PROJECTION = np.random.default_rng(98).normal(size=(36, 5)).astype(np.float32) / 255
CENTRES = np.array([[-2.0, 0.0], [0.0, 1.0], [2.0, 0.0]])


def images(labels: Array, seed: int) -> Array:
    """A noisy copy of each label's pattern."""
    noise = np.random.default_rng(seed).integers(-40, 40, size=(len(labels), 1, 6, 6))
    return (PATTERNS[labels] + noise).astype(np.uint8)


def points(labels: Array, seed: int, std: float = 0.1) -> Array:
    noise = np.random.default_rng(seed).normal(size=(len(labels), 2))
    return (CENTRES[labels] + std * noise).astype(np.float32)


class Classifier:
    """The nearest pattern, and five features. Keeps how many images it was shown each time."""

    def __init__(self) -> None:
        self.calls: list[int] = []

    def __call__(self, batch: Array) -> tuple[Array, NDArray[np.int64]]:
        assert batch.dtype == np.uint8
        self.calls.append(len(batch))
        flat = batch.reshape(len(batch), -1)
        gaps = ((flat[:, None].astype(np.int64) - PATTERNS.reshape(CLASSES, -1)) ** 2).sum(axis=2)
        return flat.astype(np.float32) @ PROJECTION, gaps.argmin(axis=1)


def parameters(**changes: Any) -> EvaluateParams:
    values = {"cap": 1000, "neighbours": 3, "coverage": 0.02, "transport": 100, "seed": 0}
    return EvaluateParams(**(values | changes))


def balanced(count: int, classes: int = CLASSES) -> Array:
    return np.arange(count) % classes


@pytest.fixture
def image_data() -> Prepared:
    train, test = balanced(300), balanced(200)
    return Prepared(images(train, 1), train, images(test, 2), test, classes=CLASSES)


@pytest.fixture
def point_data() -> Prepared:
    train, test = balanced(300, 3), balanced(200, 3)
    return Prepared(points(train, 1), train, points(test, 2), test, classes=3, scale=1.5, modes=CENTRES, mode_std=0.1)


def run(data: Prepared, samples: dict[int, Samples], **changes: Any) -> dict[str, Any]:
    """Evaluated, and through JSON as a stage writes it."""
    classifier = Classifier() if data.form == "images" else None
    found = evaluate(
        reference(data, parameters(**changes), classifier), samples, row="lsgan", title="LSGAN", data="toy"
    )
    loaded = json.loads(json.dumps(found, allow_nan=False))
    assert loaded == found  # nothing in it but what JSON holds
    return dict(loaded)


def both(array: Array) -> Samples:
    return Samples(raw=array, ema=array)


def test_structure_for_images(image_data: Prepared) -> None:
    good, collapsed = images(balanced(250), 3), images(0 * balanced(250), 4)
    found = run(image_data, {0: Samples(good, collapsed), 7: Samples(collapsed, good)})
    head = ["row", "title", "data", "not_applicable", "seeds"]
    assert list(found) == [*head, "protocol", "figures", "classes"]
    assert (found["row"], found["title"], found["data"]) == ("lsgan", "LSGAN", "toy")
    assert found["not_applicable"] is None
    assert found["seeds"] == [0, 7]
    assert found["protocol"] == {
        "generated": 250,
        "real": 200,
        "split": "test",
        "features": "classifier",
        "floor": "train split",
        "ceiling": "uniform noise",
        "class_samples": 250,
        "seed": 0,
        "neighbours": 3,
        "coverage": 0.02,
    }
    assert list(found["figures"]) == IMAGE_FIGURES
    for figure in found["figures"].values():
        assert list(figure) == ["label", "better", "floor", "ceiling", "raw", "ema"]
        assert figure["label"]
        assert len(figure["raw"]) == len(figure["ema"]) == 2
        # what raw is with one seed, ema is with the other, and the collapsed one is not the good one
        assert figure["raw"] == figure["ema"][::-1]
    better = {name: figure["better"] for name, figure in found["figures"].items()}
    assert [name for name, way in better.items() if way == "lower"] == ["frechet", "class_kl"]
    assert set(better.values()) == {"lower", "higher"}
    frechet = found["figures"]["frechet"]
    assert frechet["raw"][0] < frechet["ema"][0]
    classes = found["classes"]
    assert classes["names"] == ["0", "1", "2", "3"]
    assert classes["real"] == [0.25] * 4
    assert classes["raw"] == [[63 / 250, 63 / 250, 62 / 250, 62 / 250], [1.0, 0.0, 0.0, 0.0]]
    assert classes["ema"] == classes["raw"][::-1]


def test_structure_for_points(point_data: Prepared) -> None:
    found = run(point_data, {0: both(points(balanced(150, 3), 3))})
    assert list(found["figures"]) == POINT_FIGURES
    assert found["protocol"]["features"] == "points"
    assert found["protocol"]["transport_generated"] == found["protocol"]["transport_real"] == 100
    assert "neighbours" not in found["protocol"]
    assert found["classes"]["real"] == [67 / 200, 67 / 200, 66 / 200]
    assert found["classes"]["raw"] == [[1 / 3] * 3]
    assert [figure["better"] for figure in found["figures"].values()] == [
        "higher",
        "higher",
        "lower",
        "lower",
    ]


def test_points_without_known_modes_have_only_the_distance(point_data: Prepared) -> None:
    data = replace(point_data, modes=None, mode_std=None)
    found = run(data, {0: both(points(balanced(150, 3), 3)), 1: both(np.full((150, 2), np.nan, np.float32))})
    assert list(found["figures"]) == ["wasserstein"]
    assert found["figures"]["wasserstein"]["raw"][1] is None
    assert found["classes"] is None


def test_a_perfect_sampler_is_at_the_floor_and_noise_at_the_ceiling(image_data: Prepared) -> None:
    noise = np.random.default_rng(5).integers(256, size=(300, 1, 6, 6), dtype=np.uint8)
    figures = run(image_data, {0: both(images(balanced(300), 3)), 1: both(noise)})["figures"]
    for name, figure in figures.items():
        span = figure["ceiling"] - figure["floor"]
        if name != "recall":  # the wide balls of scattered noise do cover the real images
            assert span == 0 or (span > 0) == (figure["better"] == "lower"), name
        assert figure["raw"][0] == pytest.approx(figure["floor"], abs=max(0.1 * abs(span), 0.06)), name
        assert figure["raw"][1] == pytest.approx(figure["ceiling"], abs=max(0.25 * abs(span), 0.06)), name
    assert figures["frechet"]["ceiling"] > 20 * figures["frechet"]["floor"]
    assert figures["precision"]["floor"] > 0.85
    assert figures["precision"]["ceiling"] < 0.5


def test_a_collapsed_generator_is_precise_covers_little_and_drops_classes(image_data: Prepared) -> None:
    figures = run(image_data, {0: both(images(0 * balanced(300), 3))})["figures"]
    assert figures["precision"]["raw"][0] > 0.85
    assert figures["recall"]["raw"][0] < 0.45
    assert figures["recall"]["floor"] > 0.85
    assert figures["classes_covered"]["raw"] == [1]
    assert figures["classes_covered"]["floor"] == 4
    assert figures["smallest_class"]["raw"] == [0.0]
    assert figures["class_kl"]["raw"][0] == pytest.approx(math.log(4.0), rel=1e-12)  # the reverse is infinite


def test_points_of_known_quality(point_data: Prepared) -> None:
    good, collapsed = points(balanced(300, 3), 3), points(0 * balanced(300), 4)
    figures = run(point_data, {0: both(good), 1: both(collapsed)}, transport=150)["figures"]
    assert figures["modes"]["raw"] == [3, 1]
    assert figures["reverse_kl"]["raw"] == [0.0, pytest.approx(math.log(3.0))]
    assert min(figures["high_quality"]["raw"]) > 0.96
    assert figures["high_quality"]["ceiling"] < 0.1
    distance = figures["wasserstein"]
    assert distance["raw"][0] < 3 * distance["floor"]
    # from the first mode a third of the mass moves sqrt(5), a third 4
    assert distance["raw"][1] == pytest.approx((math.sqrt(5) + 4) / 3, abs=0.3)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_diverged_seed_has_no_figures_and_spares_the_others(point_data: Prepared, value: float) -> None:
    good = points(balanced(150, 3), 3)
    bad = good.copy()
    bad[17, 1] = value
    found = run(point_data, {0: Samples(good, bad), 1: both(good)})
    for figure in found["figures"].values():
        assert figure["ema"][0] is None
        assert None not in (*figure["raw"], figure["ema"][1], figure["floor"], figure["ceiling"])
    assert found["classes"]["ema"] == [[None] * 3, [1 / 3] * 3]


def test_diverged_images_have_no_figures(image_data: Prepared) -> None:
    good = images(balanced(250), 3)
    found = run(image_data, {0: both(good), 1: Samples(np.full(good.shape, np.nan, np.float32), good)})
    assert all(figure["raw"][1] is None for figure in found["figures"].values())
    assert found["classes"]["raw"][1] == [None] * 4
    assert None not in found["figures"]["frechet"]["ema"]


def test_huge_points_are_measured(point_data: Prepared) -> None:
    found = run(point_data, {0: both(points(balanced(150, 3), 3) * np.float32(1e30))})
    assert found["figures"]["wasserstein"]["raw"][0] > 1e29
    assert found["figures"]["high_quality"]["raw"][0] == 0.0


def test_an_infinite_figure_is_null(image_data: Prepared) -> None:
    """No real sample of class 3, and a generator that makes some."""
    kept = image_data.test_labels != 3
    data = replace(image_data, test=image_data.test[kept], test_labels=image_data.test_labels[kept])
    assert run(data, {0: both(images(balanced(250), 3))})["figures"]["class_kl"]["raw"] == [None]


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


def test_a_row_that_does_not_apply() -> None:
    assert not_applicable(row="sngan", title="SNGAN", data="ring", reason="no images", seeds=[0, 1]) == {
        "row": "sngan",
        "title": "SNGAN",
        "data": "ring",
        "not_applicable": "no images",
        "seeds": [0, 1],
        "protocol": {},
        "figures": {},
        "classes": None,
    }


@pytest.mark.parametrize(
    ("samples", "sentence"),
    [
        ({}, "^The row lsgan has no seed to evaluate"),
        (
            {4: both(np.zeros((20, 1, 5, 5), np.uint8))},
            r"^The row lsgan cannot be evaluated with seed 4. .*\(1, 5, 5\)",
        ),
        ({4: both(np.zeros((20, 1, 6, 6), np.float32))}, "type float32 and the data has uint8"),
        ({4: both(np.zeros((3, 1, 6, 6), np.uint8))}, "There are 3 generated samples to compare: at least 4"),
        ({4: both(np.zeros((0, 1, 6, 6), np.uint8))}, "There are 0 generated samples"),
    ],
)
def test_samples_unlike_the_data_are_refused(image_data: Prepared, samples: dict[int, Samples], sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        run(image_data, samples)


def test_too_few_real_samples_are_refused(image_data: Prepared) -> None:
    with pytest.raises(BadInput, match="There are 3 real samples to compare: at least 4"):
        reference(image_data, parameters(cap=3), Classifier())


def test_images_without_a_classifier_are_refused(image_data: Prepared) -> None:
    with pytest.raises(BadInput, match="train the classifier first"):
        reference(image_data, parameters(), None)


def test_bounds_for_more_samples_than_the_train_split_are_refused(image_data: Prepared) -> None:
    with pytest.raises(BadInput, match="There are 300 samples to compare: 301 are asked for"):
        bounds(reference(image_data, parameters(), Classifier()), 301)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("cap", 1),
        ("cap", 100.0),
        ("neighbours", 0),
        ("neighbours", True),
        ("coverage", 0.0),
        ("coverage", 1.5),
        ("coverage", math.nan),
        ("coverage", "0.02"),
        ("transport", 0),
        ("seed", -1),
        ("unknown", 1),
    ],
)
def test_bad_parameters_are_refused(key: str, value: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        parameters(**{key: value})
    assert [error["loc"] for error in caught.value.errors()] == [(key,)]


@pytest.mark.parametrize("key", ["cap", "neighbours", "coverage", "transport", "seed"])
def test_every_parameter_has_to_be_given(key: str) -> None:
    values = parameters().model_dump()
    del values[key]
    with pytest.raises(ValidationError, match="Field required"):
        EvaluateParams(**values)
    with pytest.raises(ValidationError, match="frozen"):
        setattr(parameters(), key, 5)


def test_importing_the_module_is_cheap() -> None:
    code = "import sys, ganpipe.evaluation; print({'torch', 'scipy', 'ot', 'sklearn'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
