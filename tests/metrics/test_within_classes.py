"""Metrics within classes by hand: classes whose distance is known, and those with too few samples."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from ganpipe.metrics import MetricValue
from ganpipe.metrics.frechet import frechet_distance
from ganpipe.metrics.within_classes import Labelled, mean_over_classes

# the same cloud in each class, 100 apart
CLOUD = torch.randn(20, 3, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(2).repeat_interleave(20)


def two(first: float, second: float, labels: Tensor = LABELS) -> Labelled:
    """Two classes, moved by so much along the first axis."""
    moves = torch.tensor([[first, 0, 0], [100 + second, 0, 0]]).repeat_interleave(20, 0)
    return Labelled(CLOUD.repeat(2, 1) + moves, labels)


def mean(generated: Labelled, real: Labelled, min_samples: int) -> MetricValue:
    return mean_over_classes(frechet_distance, generated=generated, real=real, min_samples=min_samples)


def frechet(generated: Labelled, real: Labelled) -> float | None:
    return mean(generated, real, 4).value


def test_the_mean_over_classes_of_the_squared_shifts() -> None:
    assert frechet(two(0, 0), two(0, 0)) == pytest.approx(0, abs=1e-4)
    assert frechet(two(1, 3), two(0, 0)) == pytest.approx((1 + 9) / 2, rel=1e-4)


def test_samples_of_another_class_than_was_asked_for_are_far() -> None:
    assert frechet(two(0, 0, 1 - LABELS), two(0, 0)) == pytest.approx(100**2, rel=1e-4)


def test_classes_with_too_few_samples_are_left_out_and_counted() -> None:
    few = torch.cat([LABELS[:37], torch.zeros(3, dtype=torch.int64)])  # 17 of the second class
    first = mean(Labelled(CLOUD, LABELS[:20]), Labelled(two(0, 0).features[few == 0], few[few == 0]), 20)
    some = "1 of 2 classes count, those with 20 samples on both sides"
    assert mean(two(0, 3), two(0, 0, few), 20) == MetricValue(first.value, note=some)
    one = two(0, 0, torch.zeros(40, dtype=torch.int64))  # the other class has no sample at all
    assert mean(two(0, 0), one, 20).note == mean(one, two(0, 0), 20).note == some
    assert mean(two(0, 0), two(0, 0), 20).note is None
    assert mean(two(0, 0), two(0, 0), 21) == MetricValue(None, note="no class has 21 samples on both sides")
