"""Shares of classes, coverage and the divergence of their histogram."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from ganpipe.metrics.class_coverage import class_coverage, class_shares

UNIFORM = np.full(4, 0.25)


def test_shares_count_every_class_also_those_without_samples() -> None:
    np.testing.assert_array_equal(class_shares([0, 3, 3, 0, 3], 5), [0.4, 0.0, 0.0, 0.6, 0.0])


def test_a_class_counts_from_the_threshold_on() -> None:
    shares = class_shares(np.repeat([0, 1, 2, 3], [2, 1, 0, 97]), 4)
    assert class_coverage(generated=shares, real=UNIFORM, threshold=0.02).covered == 2
    assert class_coverage(generated=shares, real=UNIFORM, threshold=0.01).covered == 3
    assert class_coverage(generated=shares, real=UNIFORM, threshold=0.0201).covered == 1


def test_divergence_is_that_of_generated_from_real() -> None:
    """Half the classes dropped out of four: log 2. The reverse would be infinite."""
    found = class_coverage(generated=[0.5, 0.5, 0.0, 0.0], real=UNIFORM, threshold=0.02)
    assert found.kl == pytest.approx(math.log(2.0), rel=1e-12)
    assert found.smallest == 0.0
    assert found.covered == 2


def test_divergence_between_unequal_histograms() -> None:
    found = class_coverage(generated=[0.9, 0.1], real=[0.6, 0.4], threshold=0.02)
    assert found.kl == pytest.approx(0.9 * math.log(1.5) + 0.1 * math.log(0.25), rel=1e-12)
    assert found.smallest == 0.1


def test_divergence_is_zero_for_the_same_and_infinite_for_a_class_that_is_not_there() -> None:
    shares = class_shares(np.random.default_rng(0).integers(7, size=1000), 7)
    assert class_coverage(generated=shares, real=shares, threshold=0.02).kl == 0.0
    assert class_coverage(generated=[0.5, 0.5], real=[1.0, 0.0], threshold=0.02).kl == math.inf


def test_divergence_agrees_with_scipy() -> None:
    from scipy.special import rel_entr

    rng = np.random.default_rng(1)
    first, second = rng.dirichlet(np.ones(10)), rng.dirichlet(np.ones(10))
    found = class_coverage(generated=first, real=second, threshold=0.02)
    assert found.kl == pytest.approx(rel_entr(first, second).sum(), rel=1e-12)


@pytest.mark.parametrize(
    ("predicted", "sentence"),
    [
        ([], "whole numbers"),
        ([0.0, 1.0], "whole numbers"),
        ([[0, 1]], "whole numbers"),
        ([0, 3], "from 0 to 3: it should be from 0 to 2"),
        ([-1, 2], "from -1 to 2"),
    ],
)
def test_bad_predictions_are_refused(predicted: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        class_shares(predicted, 3)


@pytest.mark.parametrize(
    ("generated", "real", "threshold", "sentence"),
    [
        ([0.5, 0.6], [0.5, 0.5], 0.02, "^generated should be shares"),
        ([0.5, 0.5], [1.5, -0.5], 0.02, "^real should be shares"),
        ([0.5, 0.5], [np.nan, 0.5], 0.02, "^real should be shares"),
        ([0.5, 0.5], [0.5, 0.25, 0.25], 0.02, "2 classes and real has 3"),
        ([0.5, 0.5], [0.5, 0.5], 0.0, "^threshold is 0.0"),
        ([0.5, 0.5], [0.5, 0.5], 1.1, "^threshold is 1.1"),
    ],
)
def test_bad_histograms_are_refused(generated: Any, real: Any, threshold: float, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        class_coverage(generated=generated, real=real, threshold=threshold)


def test_two_halves_collapsed_and_swapped_histograms() -> None:
    """Between halves the divergence is about (C - 1) / 2 (1 / N + 1 / M), of a collapsed generator log C."""
    ids = np.random.default_rng(2).integers(10, size=20_000)
    first, second = class_shares(ids[::2], 10), class_shares(ids[1::2], 10)
    assert class_coverage(generated=first, real=second, threshold=0.02).kl < 5 * 4.5 * 2 / 10_000
    collapsed = class_shares(np.full(1000, 3), 10)
    found = class_coverage(generated=collapsed, real=second, threshold=0.02)
    assert found.kl == pytest.approx(math.log(10), rel=0.05)
    assert found.covered == 1
    assert class_coverage(generated=second, real=collapsed, threshold=0.02).kl == math.inf
