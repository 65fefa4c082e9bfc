"""Precision and recall against prdc and torch-fidelity, and the behaviour that shows swapped arguments."""

from __future__ import annotations

import tracemalloc
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from ganpipe.metrics import _products as module
from ganpipe.metrics.precision_recall import Manifold, compare, precision_recall


def test_by_hand() -> None:
    """Balls on a line, k = 1. Real: 0 +- 1, 1 +- 1, 3 +- 2. Generated: 2 +- 0.5, 2.5 +- 0.5, 9 +- 6.5."""
    real = Manifold.of([[0.0], [1.0], [3.0]], neighbours=1)
    np.testing.assert_allclose(real.radii, [1.0, 1.0, 4.0], rtol=1e-12)
    np.testing.assert_array_equal(
        real.holds([[-1.01], [-0.99], [2.5], [4.99], [5.01]]), [False, True, True, True, False]
    )
    found = precision_recall(generated=[[2.0], [2.5], [9.0]], real=[[0.0], [1.0], [3.0]], neighbours=1)
    assert (found.precision, found.recall) == (2 / 3, 1 / 3)


def test_rim_belongs_to_the_ball() -> None:
    assert Manifold.of([[0.0], [1.0]], neighbours=1).holds([[2.0], [-1.0]]).all()


def test_neighbours_count_without_the_sample_itself_but_with_its_copies() -> None:
    manifold = Manifold.of([[0.0], [0.0], [3.0], [7.0]], neighbours=2)
    np.testing.assert_allclose(manifold.radii, [9.0, 9.0, 9.0, 49.0], atol=1e-12)
    np.testing.assert_allclose(Manifold.of([[0.0], [0.0], [3.0]], neighbours=1).radii, [0.0, 0.0, 9.0], atol=1e-12)


@pytest.mark.parametrize("neighbours", [1, 3, 5])
@pytest.mark.parametrize("sizes", [(300, 300), (150, 340), (340, 120)])
def test_parity_with_prdc_and_torch_fidelity(
    neighbours: int, sizes: tuple[int, int], fidelity: SimpleNamespace
) -> None:
    import torch
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
    manifold = Manifold.of(real, neighbours=3)
    assert all(manifold.holds(sample[None]).all() for sample in real)  # other sums than in a block of many


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


def test_the_allowance_for_rounding_is_small() -> None:
    assert not Manifold.of([[0.0], [1.0]], neighbours=1).holds([[2.0 + 1e-9], [-1.0 - 1e-9]]).any()


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


def test_blocks_change_nothing_and_bound_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(4)
    generated, real = rng.normal(size=(1999, 8)) + 0.3, rng.normal(size=(1500, 8))
    whole = precision_recall(generated=generated, real=real, neighbours=4)
    monkeypatch.setattr(module, "BLOCK", 150_000)
    tracemalloc.start()
    parts = precision_recall(generated=generated, real=real, neighbours=4)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert parts == whole
    assert peak < 6e6  # the whole matrix of distances takes 24 MB


def test_a_block_is_at_least_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK", 1)
    real = np.random.default_rng(5).normal(size=(20, 2))
    assert precision_recall(generated=real, real=real, neighbours=2).recall == 1.0


def test_memory_is_bounded_at_the_size_of_a_real_evaluation() -> None:
    """Of 10,000 by 2,500 distances (200 MB) no more than a block and its sum are there at once."""
    features = np.random.default_rng(6).normal(size=(10_000, 16))
    tracemalloc.start()
    manifold = Manifold.of(features[:2500], neighbours=5)
    assert manifold.holds(features).mean() > 0.9
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100e6


def test_float32_features_are_compared_in_float64() -> None:
    features = np.random.default_rng(7).normal(size=(100, 4)).astype(np.float32)
    manifold = Manifold.of(features, neighbours=3)
    assert manifold.radii.dtype == np.float64
    np.testing.assert_array_equal(manifold.radii, Manifold.of(features.astype(np.float64), neighbours=3).radii)


@pytest.mark.parametrize(
    ("generated", "real", "neighbours", "sentence"),
    [
        (np.zeros((5, 2)), np.zeros((5, 2)), 0, r"^neighbours is 0: it should be at least 1\.$"),
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


def test_compare_is_precision_recall_with_manifolds_kept() -> None:
    rng = np.random.default_rng(8)
    generated, real = rng.normal(size=(60, 2)), rng.normal(size=(50, 2)) * 2
    kept = compare(generated=Manifold.of(generated, neighbours=3), real=Manifold.of(real, neighbours=3))
    assert kept == precision_recall(generated=generated, real=real, neighbours=3)
    assert kept.precision != kept.recall
