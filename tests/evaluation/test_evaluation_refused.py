"""What an evaluation refuses: samples and data that it cannot compare, and bad parameters."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from evaluation_data import Classifier, both, parameters, run
from pydantic import ValidationError

from ganpipe.errors import BadInput
from ganpipe.evaluation import EvaluateParams, Samples, bounds, reference
from ganpipe.prepared import Prepared


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
