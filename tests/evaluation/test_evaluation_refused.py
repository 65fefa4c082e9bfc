"""What an evaluation refuses: samples and data that it cannot compare, and bad parameters."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from evaluation_data import PARAMETERS, balanced, both, images, parameters, reference, run
from pydantic import ValidationError

from ganpipe.config.evaluation import EvaluateParams
from ganpipe.evaluation.baselines import baselines
from ganpipe.evaluation.evaluate import Trained
from ganpipe.evaluation.reference import Samples
from ganpipe.prepared import PreparedDataset
from ganpipe.utils.errors import UserError


@pytest.mark.parametrize(
    ("samples", "sentence"),
    [
        ({}, "^The row lsgan has no seed to evaluate"),
        (
            {4: both(np.zeros((20, 1, 5, 5), np.uint8))},
            r"^The row lsgan cannot be evaluated. Of seed 4: .*\(1, 5, 5\) and the data has \(1, 6, 6\)",
        ),
        ({4: both(np.zeros((20, 1, 6, 6), np.float32))}, "type float32 and the data has uint8"),
        (
            {4: both(np.zeros((5, 1, 6, 6), np.uint8))},
            "There are 5 generated samples to compare, and evaluate.density_neighbours is 5: at least 6 are needed",
        ),
        ({4: both(np.zeros((0, 1, 6, 6), np.uint8))}, "There are 0 generated samples"),
    ],
)
def test_samples_unlike_the_data_are_refused(
    image_data: PreparedDataset, samples: dict[int, Samples], sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        run(image_data, samples)


def test_a_moment_unlike_the_data_is_named(image_data: PreparedDataset) -> None:
    good = both(images(balanced(40), 3))
    bad = Trained(good, {100: good, 200: both(np.zeros((20, 1, 5, 5), np.uint8))})
    with pytest.raises(UserError, match=r"^The row lsgan cannot be evaluated. Of seed 4 at step 200: Samples have"):
        run(image_data, {4: bad})


@pytest.mark.parametrize(
    ("changes", "needed", "asks", "remedy"),
    [
        ({"cap": 3, "neighbours": 1, "density_neighbours": 1, "splits": 2}, 4, "", "take more"),
        ({"cap": 9, "neighbours": 9}, 10, ", and evaluate.neighbours is 9", "take more, or lower it"),
        ({"cap": 9, "density_neighbours": 10}, 11, ", and evaluate.density_neighbours is 10", "take more, or lower it"),
        ({"cap": 9, "splits": 10}, 10, ", and evaluate.splits is 10", "take more, or lower it"),
    ],
)
def test_too_few_real_samples_are_refused(
    image_data: PreparedDataset, changes: dict[str, int], needed: int, asks: str, remedy: str
) -> None:
    said = f"^There are {changes['cap']} real samples to compare{asks}: at least {needed} are needed; {remedy}.$"
    with pytest.raises(UserError, match=said):
        reference(image_data, **changes)
    reference(image_data, **(changes | {"cap": needed}))


def test_too_small_a_train_split_is_refused_and_not_the_generator(image_data: PreparedDataset) -> None:
    with pytest.raises(UserError, match="There are 5 samples of half the train split to compare, and evaluate"):
        reference(replace(image_data, train=image_data.train[:11]))
    assert baselines(reference(replace(image_data, train=image_data.train[:12])), 6)["frechet"].floor is not None


def test_bounds_for_more_samples_than_the_train_split_are_refused(image_data: PreparedDataset) -> None:
    with pytest.raises(UserError, match="There are 600 samples to compare: 601 are asked for"):
        baselines(reference(image_data), 601)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("features", []),
        ("features", ["vgg"]),
        ("cap", 1),
        ("cap", 100.0),
        ("draws", 1),
        ("neighbours", 0),
        ("neighbours", True),
        ("density_neighbours", 0),
        ("coverage", 0.0),
        ("coverage", 1.5),
        ("coverage", math.nan),
        ("coverage", "0.02"),
        ("splits", 0),
        ("directions", 1),
        ("transport", 0),
        ("seed", -1),
        ("unknown", 1),
    ],
)
def test_bad_parameters_are_refused(key: str, value: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        parameters(**{key: value})
    assert {error["loc"][0] for error in caught.value.errors()} == {key}


@pytest.mark.parametrize(
    ("key", "within", "value"),
    [
        ("kid", "size", 1),
        ("kid", "subsets", 0),
        ("windows", "least", 0.0),
        ("windows", "largest", 0.1),
        ("windows", "count", 2),
        ("collapse", "recall", 1.1),
        ("collapse", "classes", -0.1),
        ("collapse", "copies", 0.0),
    ],
)
def test_bad_parameters_within_are_refused(key: str, within: str, value: float) -> None:
    with pytest.raises(ValidationError) as caught:
        parameters(**{key: PARAMETERS[key] | {within: value}})
    assert [error["loc"] for error in caught.value.errors()] == [(key, within)]


def test_a_network_named_twice_is_refused() -> None:
    with pytest.raises(ValidationError, match="names a network twice; remove the repeated one"):
        parameters(features=["pixels", "classifier", "pixels"])


@pytest.mark.parametrize("key", sorted(PARAMETERS))
def test_every_parameter_has_to_be_given(key: str) -> None:
    values = parameters().model_dump()
    del values[key]
    with pytest.raises(ValidationError, match="Field required"):
        EvaluateParams(**values)
    with pytest.raises(ValidationError, match="frozen"):
        setattr(parameters(), key, 5)
