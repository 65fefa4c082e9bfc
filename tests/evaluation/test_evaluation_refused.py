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
from ganpipe.evaluation.baselines import compute_baselines
from ganpipe.evaluation.evaluate import Trained
from ganpipe.evaluation.reference import Samples
from ganpipe.prepared import PreparedDataset
from ganpipe.utils.errors import UserError


@pytest.mark.parametrize(
    ("samples", "sentence"),
    [
        ({}, "^The variant lsgan has no seed to evaluate"),
        (
            {4: both(np.zeros((20, 1, 5, 5), np.uint8))},
            r"^The variant lsgan cannot be evaluated. Of seed 4: .*\(1, 5, 5\) and the data has \(1, 6, 6\)",
        ),
        ({4: both(np.zeros((20, 1, 6, 6), np.float32))}, "type float32 and the data has uint8"),
        (
            {4: both(np.zeros((5, 1, 6, 6), np.uint8))},
            "There are 5 generated samples to compare, and evaluate.density_coverage_k is 5: at least 6 are needed",
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
    with pytest.raises(UserError, match=r"^The variant lsgan cannot be evaluated. Of seed 4 at step 200: Samples have"):
        run(image_data, {4: bad})


@pytest.mark.parametrize(
    ("changes", "needed", "asks", "remedy"),
    [
        (
            {"max_samples": 3, "precision_recall_k": 1, "density_coverage_k": 1, "inception_score_splits": 2},
            4,
            "",
            "take more",
        ),
        (
            {"max_samples": 9, "precision_recall_k": 9},
            10,
            ", and evaluate.precision_recall_k is 9",
            "take more, or lower it",
        ),
        (
            {"max_samples": 9, "density_coverage_k": 10},
            11,
            ", and evaluate.density_coverage_k is 10",
            "take more, or lower it",
        ),
        (
            {"max_samples": 9, "inception_score_splits": 10},
            10,
            ", and evaluate.inception_score_splits is 10",
            "take more, or lower it",
        ),
    ],
)
def test_too_few_real_samples_are_refused(
    image_data: PreparedDataset, changes: dict[str, int], needed: int, asks: str, remedy: str
) -> None:
    message = (
        f"^There are {changes['max_samples']} real samples to compare{asks}: at least {needed} are needed; {remedy}.$"
    )
    with pytest.raises(UserError, match=message):
        reference(image_data, **changes)
    reference(image_data, **(changes | {"max_samples": needed}))


def test_too_small_a_train_split_is_refused_and_not_the_generator(image_data: PreparedDataset) -> None:
    with pytest.raises(UserError, match="There are 5 samples of half the train split to compare, and evaluate"):
        reference(replace(image_data, train=image_data.train[:11]))
    assert (
        compute_baselines(reference(replace(image_data, train=image_data.train[:12])), 6)["frechet"].real_baseline
        is not None
    )


def test_bounds_for_more_samples_than_the_train_split_are_refused(image_data: PreparedDataset) -> None:
    with pytest.raises(UserError, match="There are 600 samples to compare: 601 are asked for"):
        compute_baselines(reference(image_data), 601)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("feature_extractors", []),
        ("feature_extractors", ["vgg"]),
        ("max_samples", 1),
        ("max_samples", 100.0),
        ("baseline_draws", 1),
        ("precision_recall_k", 0),
        ("precision_recall_k", True),
        ("density_coverage_k", 0),
        ("class_presence_threshold", 0.0),
        ("class_presence_threshold", 1.5),
        ("class_presence_threshold", math.nan),
        ("class_presence_threshold", "0.02"),
        ("inception_score_splits", 0),
        ("sliced_wasserstein_projections", 1),
        ("wasserstein_max_points", 0),
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
        ("parzen_bandwidths", "min", 0.0),
        ("parzen_bandwidths", "max", 0.1),
        ("parzen_bandwidths", "count", 2),
        ("status_thresholds", "min_recall_ratio", 1.1),
        ("status_thresholds", "min_class_fraction", -0.1),
        ("status_thresholds", "max_memorized_fraction", 0.0),
    ],
)
def test_bad_parameters_within_are_refused(key: str, within: str, value: float) -> None:
    with pytest.raises(ValidationError) as caught:
        parameters(**{key: PARAMETERS[key] | {within: value}})
    assert [error["loc"] for error in caught.value.errors()] == [(key, within)]


@pytest.mark.parametrize(
    ("key", "names"),
    [("feature_extractors", ["pixels", "classifier", "pixels"]), ("optional_metrics", ["parzen", "parzen"])],
)
def test_a_name_that_stands_twice_is_refused(key: str, names: list[str]) -> None:
    with pytest.raises(ValidationError, match=f"names {names[0]} twice; remove the repeated one"):
        parameters(**{key: names})


@pytest.mark.parametrize("key", sorted(PARAMETERS))
def test_every_parameter_has_to_be_given(key: str) -> None:
    values = parameters().model_dump()
    del values[key]
    with pytest.raises(ValidationError, match="Field required"):
        EvaluateParams(**values)
    with pytest.raises(ValidationError, match="frozen"):
        setattr(parameters(), key, 5)
