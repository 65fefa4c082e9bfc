"""Inception score against torch-fidelity and where it is known."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from ganpipe.metrics.inception_score import inception_score, score_name


@pytest.mark.parametrize("splits", [1, 3, 10])
@pytest.mark.parametrize("sharp", [0.1, 3.0, 300.0])
def test_parity_with_torch_fidelity(splits: int, sharp: float, fidelity: SimpleNamespace) -> None:
    """At 300 some probabilities underflow to 0: 0 log 0 is 0."""
    import torch

    logits = sharp * np.random.default_rng(0).normal(size=(203, 17))
    theirs = fidelity.isc.isc_features_to_metric(torch.from_numpy(logits), splits=splits, shuffle=False)
    found = inception_score(torch.from_numpy(logits).softmax(dim=1).numpy(), splits=splits)
    assert found.mean == pytest.approx(theirs["inception_score_mean"], rel=1e-9)
    assert found.deviation == pytest.approx(theirs["inception_score_std"], rel=1e-9, abs=1e-12)
    assert found.mean == pytest.approx(found.splits.mean())
    assert len(found.splits) == splits


def test_sure_and_equally_frequent_reach_the_number_of_classes() -> None:
    assert inception_score(np.tile(np.eye(7), (20, 1)), splits=10).mean == pytest.approx(7.0, rel=1e-12)
    assert inception_score(np.tile(np.eye(7), (20, 1)), splits=10).deviation == pytest.approx(0.0, abs=1e-12)


def test_unsure_and_collapsed_generators_score_one() -> None:
    unsure, collapsed = np.full((50, 7), 1 / 7), np.tile(np.eye(7)[2], (50, 1))
    assert inception_score(unsure).mean == pytest.approx(1.0, rel=1e-12)
    assert inception_score(collapsed).mean == pytest.approx(1.0, rel=1e-12)


def test_collapse_within_the_classes_goes_unseen() -> None:
    """One sample per class, over and over, scores as high as the data: what the score cannot do."""
    rng = np.random.default_rng(1)
    one_each = rng.dirichlet(np.full(5, 0.05), size=5)
    alike = np.tile(one_each, (40, 1))
    assert inception_score(alike, splits=10).mean == pytest.approx(inception_score(one_each, splits=1).mean, rel=1e-12)


def test_by_hand_kl_is_from_each_to_the_mean_and_not_the_other_way_round() -> None:
    probabilities = np.array([[0.5, 0.5], [1.0, 0.0]])
    kl = (0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25) + math.log(1 / 0.75)) / 2
    assert inception_score(probabilities, splits=1).mean == pytest.approx(math.exp(kl), rel=1e-12)


def test_two_halves_score_alike_and_more_samples_more_than_few() -> None:
    table = np.random.default_rng(2).dirichlet(np.full(10, 0.1), size=4000)
    first, second = (inception_score(half, splits=1).mean for half in (table[::2], table[1::2]))
    assert first == pytest.approx(second, rel=0.02)
    assert inception_score(table[:100], splits=10).mean < inception_score(table, splits=10).mean


def test_sorted_samples_need_shuffling() -> None:
    table = np.repeat(np.eye(5), 40, axis=0)
    assert inception_score(table, splits=5).mean == pytest.approx(1.0)
    shuffled = inception_score(table, splits=5, rng=np.random.default_rng(3)).mean
    assert shuffled > 4.5
    assert inception_score(table, splits=5, rng=np.random.default_rng(3)).mean == shuffled


def test_float32_probabilities_are_accepted() -> None:
    table = np.random.default_rng(4).dirichlet(np.ones(1000), size=20).astype(np.float32)
    assert inception_score(table, splits=2).mean > 1.0


def test_another_network_gives_it_another_name() -> None:
    assert score_name("inception") == "Inception score"
    assert score_name("classifier") == "Classifier score (classifier)"


@pytest.mark.parametrize(
    ("probabilities", "splits", "sentence"),
    [
        (np.eye(3), 0, "^splits is 0"),
        (np.eye(3), 4, "^probabilities has 3 samples: at least 4"),
        (np.eye(3)[0], 1, "^probabilities should have the shape"),
        (2 * np.eye(3), 1, "^probabilities should be from 0 on and sum to 1"),
        (np.array([[1.5, -0.5]]), 1, "^probabilities should be from 0 on and sum to 1"),
        (np.array([[np.nan, 1.0]]), 1, "^probabilities has values that are not finite"),
    ],
)
def test_bad_input_is_refused(probabilities: Any, splits: int, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        inception_score(probabilities, splits=splits)
