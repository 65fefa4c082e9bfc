"""Precision and recall against prdc and torch-fidelity, and the behaviour that shows swapped arguments."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from ganpipe.metrics._distances import kth_nearest
from ganpipe.metrics.precision_recall import precision_recall


def held(real: Any, points: Any, neighbours: int = 1) -> list[bool]:
    """Which of the points lie in a ball of the real samples: the precision of each as the only sort of sample."""
    copies = [np.repeat([point], neighbours + 1, axis=0) for point in np.asarray(points)]
    return [precision_recall(generated=some, real=real, neighbours=neighbours).precision == 1.0 for some in copies]


def test_by_hand() -> None:
    """Balls on a line, k = 1. Real: 0 +- 1, 1 +- 1, 3 +- 2. Generated: 2 +- 0.5, 2.5 +- 0.5, 9 +- 6.5."""
    real = np.array([[0.0], [1.0], [3.0]])
    assert held(real, [[-1.01], [-0.99], [2.5], [4.99], [5.01]]) == [False, True, True, True, False]
    found = precision_recall(generated=[[2.0], [2.5], [9.0]], real=real, neighbours=1)
    assert (found.precision, found.recall) == (2 / 3, 1 / 3)


def test_the_rim_belongs_to_the_ball_and_the_allowance_for_rounding_is_small() -> None:
    edges = np.array([[2.0], [-1.0]])
    assert held([[0.0], [1.0]], edges) == [True, True]
    assert held([[0.0], [1.0]], (1.0 + 1e-9) * edges) == [False, False]


def test_neighbours_count_without_the_sample_itself_but_with_its_copies() -> None:
    points = torch.tensor([[0.0], [0.0], [3.0], [7.0]], dtype=torch.float64)
    np.testing.assert_allclose(kth_nearest(points, 2), [9.0, 9.0, 9.0, 49.0], atol=1e-12)
    np.testing.assert_allclose(kth_nearest(points[:3], 1), [0.0, 0.0, 9.0], atol=1e-12)


@pytest.mark.parametrize("neighbours", [1, 3, 5])
@pytest.mark.parametrize("sizes", [(300, 300), (150, 340), (340, 120)])
def test_parity_with_prdc_and_torch_fidelity(
    neighbours: int, sizes: tuple[int, int], fidelity: SimpleNamespace
) -> None:
    from prdc import compute_prdc

    rng = np.random.default_rng(neighbours)
    generated, real = rng.normal(size=(sizes[0], 6)) * 0.8 + 0.4, rng.normal(size=(sizes[1], 6))
    found = precision_recall(generated=generated, real=real, neighbours=neighbours)
    theirs = compute_prdc(real, generated, neighbours)
    assert found.precision == pytest.approx(theirs["precision"], rel=1e-9)
    assert found.recall == pytest.approx(theirs["recall"], rel=1e-9)
    theirs = fidelity.prc.prc_features_to_metric(
        torch.from_numpy(generated), torch.from_numpy(real), prc_neighborhood=neighbours, verbose=False
    )
    assert found.precision == pytest.approx(theirs["precision"], rel=1e-6)  # a mean in float32
    assert found.recall == pytest.approx(theirs["recall"], rel=1e-6)
    assert 0.1 < found.recall < 0.95  # else there would be nothing to compare


def test_collapsed_generator_is_precise_and_covers_little() -> None:
    rng = np.random.default_rng(0)
    real = rng.normal(size=(500, 4))
    found = precision_recall(generated=0.05 * rng.normal(size=(500, 4)), real=real, neighbours=3)
    assert found.precision > 0.99
    assert found.recall < 0.05


def test_scattered_generator_covers_all_and_is_imprecise() -> None:
    rng = np.random.default_rng(0)
    found = precision_recall(generated=rng.uniform(-9, 9, size=(500, 4)), real=rng.normal(size=(500, 4)), neighbours=3)
    assert found.precision < 0.2
    assert found.recall > 0.9


def test_one_single_output_is_one_point_of_the_manifold() -> None:
    """All generated samples equal to one real sample: all precise, one real sample of 50 covered."""
    real = np.random.default_rng(1).normal(size=(50, 3)) + 100
    found = precision_recall(generated=np.repeat(real[7:8], 20, axis=0), real=real, neighbours=3)
    assert (found.precision, found.recall) == (1.0, 1 / 50)


@pytest.mark.parametrize("shift", [0.0, 1e6])
def test_copies_of_real_samples_are_always_inside(shift: float) -> None:
    """With duplicates the radii are 0, so a distance that is only nearly 0 must not throw a copy out."""
    real = np.repeat(np.random.default_rng(2).normal(size=(40, 12)), 4, axis=0) + shift
    found = precision_recall(generated=real[::-1], real=real, neighbours=3)
    assert (found.precision, found.recall) == (1.0, 1.0)


def test_copies_are_inside_of_a_cloud_that_is_far_wider_or_narrower() -> None:
    rng = np.random.default_rng(2)
    wide, narrow = np.round(rng.normal(size=(120, 2))) * 1e5, np.round(rng.normal(size=(130, 2)))
    assert (wide == 0).all(axis=1).sum() > 3
    assert (narrow == 0).all(axis=1).any()
    for generated, real in ((wide, narrow), (narrow, wide)):
        found = precision_recall(generated=generated, real=real, neighbours=3)
        gaps = np.sqrt(((generated[:, None] - real) ** 2).sum(axis=2))
        radii = [np.sort(np.sqrt(((one[:, None] - one) ** 2).sum(axis=2)), axis=1)[:, 3] for one in (generated, real)]
        assert found.precision == (gaps <= radii[1]).any(axis=1).mean()
        assert found.recall == (gaps <= radii[0][:, None]).any(axis=0).mean()


def test_features_far_from_the_origin_keep_their_digits() -> None:
    """Whole numbers, so that the shift itself is exact; without centring the squares are, too, beyond
    2^53."""
    rng = np.random.default_rng(9)
    generated, real = (rng.integers(-50, 50, size=(120, 3)).astype(np.float64) for _ in range(2))
    near = precision_recall(generated=generated, real=real, neighbours=3)
    assert precision_recall(generated=generated + 2.0**33, real=real + 2.0**33, neighbours=3) == near


def test_two_halves_of_one_distribution_cover_each_other() -> None:
    rng = np.random.default_rng(3)
    found = precision_recall(generated=rng.normal(size=(800, 3)), real=rng.normal(size=(800, 3)), neighbours=5)
    assert found.precision > 0.9
    assert found.recall > 0.9


@pytest.mark.parametrize(
    ("generated", "real", "neighbours", "sentence"),
    [
        (np.zeros((5, 2)), np.zeros((5, 2)), 0, r"^k is 0: it should be at least 1\.$"),
        (np.zeros((5, 2)), np.zeros((9, 2)), 5, r"^generated has 5 samples: at least 6 are needed\.$"),
        (np.zeros((9, 2)), np.zeros((5, 2)), 5, r"^real has 5 samples: at least 6 are needed\.$"),
        (np.zeros((9, 2)), np.zeros((9, 3)), 3, r"^The number of features differs"),
        (np.zeros(9), np.zeros((9, 3)), 3, r"^generated should have the shape"),
        (np.zeros((9, 3)), np.full((9, 3), np.nan), 3, r"^real has values that are not finite"),
    ],
)
def test_bad_input_is_refused(generated: Any, real: Any, neighbours: int, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        precision_recall(generated=generated, real=real, neighbours=neighbours)
