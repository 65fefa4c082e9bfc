"""The Fréchet distance against closed forms and against torch-fidelity."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ganpipe.metrics import frechet as module
from ganpipe.metrics.frechet import Moments, frechet, frechet_distance

Array = NDArray[np.float64]


def random_covariance(rng: np.random.Generator, d: int) -> Array:
    factor = rng.normal(size=(d, d))
    return factor @ factor.T


def with_moments(rng: np.random.Generator, n: int, mean: Array, covariance: Array) -> Array:
    """Samples whose sample mean and covariance, with n - 1, are exactly these."""
    drawn = rng.normal(size=(n, len(mean)))
    drawn -= drawn.mean(axis=0)
    white = drawn @ np.linalg.inv(np.linalg.cholesky(np.cov(drawn, rowvar=False))).T
    return mean + white @ np.linalg.cholesky(covariance).T


def test_one_dimension_is_difference_of_means_and_deviations() -> None:
    assert frechet(Moments.exact([1.0], [[4.0]]), Moments.exact([-2.0], [[9.0]])) == pytest.approx(9.0 + 1.0)


def test_commuting_covariances_add_up_axis_by_axis() -> None:
    first, second = (
        Moments.exact([0, 1, 2], np.diag([1.0, 4, 9])),
        Moments.exact([1, 1, 0], np.diag([4.0, 4, 25])),
    )
    assert frechet(first, second) == pytest.approx((1 + 4) + (1 + 0 + 4), rel=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_two_by_two_closed_form(seed: int) -> None:
    """Tr (C1 C2)^(1/2) = sqrt(Tr(C1 C2) + 2 sqrt(det C1 det C2)) in the plane, whether or not they
    commute."""
    rng = np.random.default_rng(seed)
    first, second = random_covariance(rng, 2), random_covariance(rng, 2)
    shift = rng.normal(size=2)
    root = np.sqrt(np.trace(first @ second) + 2 * np.sqrt(np.linalg.det(first) * np.linalg.det(second)))
    expected = shift @ shift + np.trace(first) + np.trace(second) - 2 * root
    assert frechet(Moments.exact(shift, first), Moments.exact([0, 0], second)) == pytest.approx(expected, rel=1e-9)


def test_samples_with_known_moments_give_the_closed_form() -> None:
    rng = np.random.default_rng(0)
    mean, covariance = rng.normal(size=6), random_covariance(rng, 6)
    other = random_covariance(rng, 6)
    samples = {
        "generated": with_moments(rng, 300, mean, covariance),
        "real": with_moments(rng, 200, 0 * mean, other),
    }
    expected = frechet(Moments.exact(mean, covariance), Moments.exact(0 * mean, other))
    assert frechet_distance(**samples) == pytest.approx(expected, rel=1e-10)


def test_covariance_has_n_minus_one() -> None:
    """Two samples at -1 and 1 have variance 2, not 1."""
    exact = Moments.exact([0.0], [[2.0]])
    assert frechet(Moments.of([[-1.0], [1.0]]), exact) == pytest.approx(0.0, abs=1e-28)


def test_parity_with_torch_fidelity(fidelity: SimpleNamespace) -> None:
    rng = np.random.default_rng(1)
    generated = rng.normal(size=(400, 24)) @ rng.normal(size=(24, 24))
    real = rng.normal(size=(150, 24)) @ rng.normal(size=(24, 24)) + 0.3
    theirs = [fidelity.fid.fid_features_to_statistics(torch.from_numpy(x)) for x in (generated, real)]
    expected = fidelity.fid.fid_statistics_to_metric(*theirs, verbose=False)["frechet_inception_distance"]
    assert frechet_distance(generated=generated, real=real) == pytest.approx(expected, rel=1e-9)


def test_identical_samples_are_at_distance_zero_even_with_fewer_than_features() -> None:
    """The naive form is off by 1e-8 per missing rank; here nothing but squared rounding is left."""
    features = np.random.default_rng(2).normal(size=(20, 50)).astype(np.float32)
    distance = frechet_distance(generated=features, real=features[::-1])
    assert 0.0 <= distance < 1e-24


def test_singular_covariances_keep_their_digits() -> None:
    """On a line through 40 dimensions the distance is that of the one dimension."""
    rng = np.random.default_rng(3)
    line = np.linalg.qr(rng.normal(size=(40, 40)))[0][0]
    first, second = rng.normal(size=(30, 1)), 3 * rng.normal(size=(25, 1)) + 1
    expected = (first.mean() - second.mean()) ** 2 + (first.std(ddof=1) - second.std(ddof=1)) ** 2
    distance = frechet_distance(generated=first * line, real=second * line)
    assert distance == pytest.approx(expected, rel=1e-12)


def test_symmetric_invariant_to_rotation_and_quadratic_in_scale() -> None:
    rng = np.random.default_rng(4)
    first, second = rng.normal(size=(60, 5)), rng.gamma(2.0, size=(80, 5))
    distance = frechet_distance(generated=first, real=second)
    rotation = np.linalg.qr(rng.normal(size=(5, 5)))[0]
    assert frechet_distance(generated=second, real=first) == pytest.approx(distance, rel=1e-12)
    assert frechet_distance(generated=first @ rotation, real=second @ rotation) == pytest.approx(distance, rel=1e-12)
    assert frechet_distance(generated=3 * first, real=3 * second) == pytest.approx(9 * distance, rel=1e-12)
    assert frechet_distance(generated=first + 1e6, real=second + 1e6) == pytest.approx(distance, rel=1e-6)


@pytest.mark.parametrize(
    ("generated", "real", "sentence"),
    [
        (
            np.zeros(5),
            np.zeros((5, 1)),
            r"^generated should have the shape \(samples, features\), not \(5,\)\.$",
        ),
        (np.zeros((5, 2)), np.zeros((5, 2, 1)), r"^real should have the shape"),
        (np.zeros((5, 0)), np.zeros((5, 0)), r"^generated should have the shape"),
        (np.zeros((1, 2)), np.zeros((5, 2)), r"^generated has 1 samples: at least 2 are needed\.$"),
        (np.zeros((5, 2)), np.zeros((1, 2)), r"^real has 1 samples"),
        (np.zeros((5, 2)), np.full((5, 2), np.nan), r"^real has values that are not finite"),
        (np.full((5, 2), np.inf), np.zeros((5, 2)), r"^generated has values that are not finite"),
        (
            np.zeros((5, 2)),
            np.zeros((5, 3)),
            r"^The number of features differs: generated has 2 and real has 3\.$",
        ),
    ],
)
def test_bad_samples_are_refused(generated: Any, real: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        frechet_distance(generated=generated, real=real)


@pytest.mark.parametrize(
    ("covariance", "sentence"),
    [
        (np.eye(3), "symmetric with the shape"),
        ([[1.0, 0.5], [0.0, 1.0]], "symmetric with the shape"),
        ([[1.0, 0.0], [0.0, -1.0]], "negative eigenvalue -1"),
    ],
)
def test_bad_covariances_are_refused(covariance: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Moments.exact([0.0, 0.0], covariance)


def spread_features(rng: np.random.Generator, n: int, falling: float) -> Array:
    """Features (n, 40) whose standard deviations fall by e^-falling each."""
    return rng.normal(size=(n, 40)) @ rng.normal(size=(40, 40)) * np.exp(-np.arange(40) * falling)


@pytest.mark.parametrize("falling", [0.0, 0.05, 0.2, 0.5, 1.0])
def test_the_faster_way_is_taken_only_where_it_keeps_the_digits(
    falling: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    generated, real = spread_features(rng, 300, falling), spread_features(rng, 200, falling) + 0.1
    found = frechet_distance(generated=generated, real=real)
    ways = []
    for relative in (np.inf, 0.0):
        monkeypatch.setattr(module, "RELATIVE", relative)
        ways.append(frechet_distance(generated=generated, real=real))
    assert found == ways[0 if falling < 0.1 else 1]
    assert found == pytest.approx(ways[1], rel=1e-8)


def test_a_tiny_shift_is_not_lost_beside_large_covariances() -> None:
    features = spread_features(np.random.default_rng(1), 300, 0.0)
    assert frechet_distance(generated=features, real=features + 1e-9) == pytest.approx(40e-18, rel=1e-3)


@pytest.mark.parametrize(("n", "falling"), [(200, 0.0), (200, 0.5), (30, 0.0)])
def test_the_root_is_one_of_the_covariance(n: int, falling: float) -> None:
    features = spread_features(np.random.default_rng(4), n, falling)
    root = Moments.of(features).root.numpy()
    np.testing.assert_allclose(root.T @ root, np.cov(features, rowvar=False), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("falling", [0.0, 0.1])
def test_the_root_by_cholesky_is_as_good_as_that_by_qr(falling: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """More features than are multiplied at once; the second covariance is beyond what Cholesky is trusted with."""
    rng = np.random.default_rng(7)
    scales = np.exp(-np.arange(300) * falling)
    generated, real = (rng.normal(size=(900, 300)) * scales * size for size in (1.0, 1.1))
    found, root = frechet_distance(generated=generated, real=real), Moments.of(real).root
    monkeypatch.setattr(module, "CONDITION", np.inf)
    assert found == pytest.approx(frechet_distance(generated=generated, real=real), rel=1e-10)
    assert torch.equal(root, Moments.of(real).root) == (falling > 0)


def test_parity_with_torch_fidelity_with_many_float32_features(fidelity: SimpleNamespace) -> None:
    rng = np.random.default_rng(5)
    generated, real = (np.abs(rng.normal(size=(700, 512)) + shift).astype(np.float32) for shift in (0.1, 0.0))
    theirs = [fidelity.fid.fid_features_to_statistics(torch.from_numpy(x).double()) for x in (generated, real)]
    expected = fidelity.fid.fid_statistics_to_metric(*theirs, verbose=False)["frechet_inception_distance"]
    assert frechet_distance(generated=generated, real=real) == pytest.approx(expected, rel=1e-6)


def test_collapsed_generator_and_two_halves() -> None:
    array = spread_features(np.random.default_rng(6), 400, 0.0)
    halves = frechet_distance(generated=array[::2], real=array[1::2])
    collapsed = frechet_distance(generated=np.repeat(array[:1], 100, axis=0), real=array[1::2])
    assert collapsed > 5 * halves
    shift = array[0] - array[1::2].mean(axis=0)
    assert collapsed == pytest.approx(shift @ shift + np.trace(np.cov(array[1::2], rowvar=False)), rel=1e-9)
