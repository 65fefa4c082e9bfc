"""The cheap ways to the Fréchet distance that are tried first where there are many features."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray

from ganpipe.metrics import frechet as module
from ganpipe.metrics.frechet import Moments, frechet, frechet_distance

Array = NDArray[np.float64]


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the cheap ways from 8 features on."""
    monkeypatch.setattr(module, "LARGE", 8)


def accurate(generated: Array, real: Array) -> float:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "LARGE", 10**9)
        return frechet_distance(generated=generated, real=real)


def features(rng: np.random.Generator, n: int, falling: float) -> Array:
    return rng.normal(size=(n, 40)) @ rng.normal(size=(40, 40)) * np.exp(-np.arange(40) * falling)


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize("falling", [0.0, 0.05, 0.2, 0.5])
def test_cheap_ways_agree_with_the_accurate_one(falling: float) -> None:
    rng = np.random.default_rng(0)
    generated, real = features(rng, 300, falling), features(rng, 200, falling) + 0.1
    assert frechet_distance(generated=generated, real=real) == pytest.approx(accurate(generated, real), rel=1e-8)


@pytest.mark.usefixtures("large")
def test_each_way_is_taken_where_it_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eigenvalues where nothing is small, singular values where they span many digits, rotation at the end."""
    taken: list[str] = []
    for name in ("_by_eigenvalues", "_by_singular_values"):
        way = getattr(module, name)
        monkeypatch.setattr(module, name, lambda product, way=way, name=name: (taken.append(name), way(product))[1])
    rng = np.random.default_rng(1)
    frechet_distance(generated=features(rng, 300, 0.0), real=features(rng, 300, 0.0))
    assert taken == ["_by_eigenvalues"]
    taken.clear()
    frechet_distance(generated=features(rng, 300, 0.4), real=features(rng, 300, 0.4) + 1e-3)
    assert taken == ["_by_eigenvalues", "_by_singular_values"]
    taken.clear()
    one = features(rng, 300, 0.0)
    assert frechet_distance(generated=one, real=one + 1e-9) == pytest.approx(40e-18, rel=1e-3)
    assert taken == ["_by_eigenvalues", "_by_singular_values"]


@pytest.mark.parametrize("way", ["_by_eigenvalues", "_by_singular_values"])
@pytest.mark.parametrize("falling", [0.0, 0.1, 0.5, 1.0])
def test_the_bound_on_the_error_holds(way: str, falling: float) -> None:
    """Against known singular values."""
    rng = np.random.default_rng(2)
    left, right = (np.linalg.qr(rng.normal(size=(60, 60)))[0] for _ in range(2))
    values = np.exp(-np.arange(60) * falling)
    found, bound = getattr(module, way)(left * values @ right)
    assert abs(found - values.sum()) <= bound
    assert bound < 1e-4 * values.sum()


@pytest.mark.usefixtures("large")
def test_few_samples_and_dependent_features_take_the_accurate_root() -> None:
    rng = np.random.default_rng(3)
    few = rng.normal(size=(20, 50)).astype(np.float32)
    assert 0.0 <= frechet_distance(generated=few, real=few[::-1]) < 1e-24
    line = np.repeat(rng.normal(size=(100, 10)), 3, axis=1)
    assert 0.0 <= frechet_distance(generated=line, real=line[::-1]) < 1e-24


@pytest.mark.usefixtures("large")
def test_the_root_is_one_of_the_covariance_either_way() -> None:
    array = features(np.random.default_rng(4), 200, 0.02)
    root = Moments.of(array).root
    np.testing.assert_allclose(root.T @ root, np.cov(array, rowvar=False), rtol=1e-10, atol=1e-12)
    steep = array * np.exp(-np.arange(40) * 0.33)
    formed = [
        module._cholesky(some, some.mean(axis=0)) is not None
        for some in (array, np.repeat(array, 2, axis=1), array[:40], steep)
    ]
    assert formed == [True, False, False, False]  # the last could be factorised, with few digits left


def test_parity_with_torch_fidelity_where_the_cheap_way_is_the_default(fidelity: SimpleNamespace) -> None:
    import torch

    rng = np.random.default_rng(5)
    generated, real = (np.abs(rng.normal(size=(700, 512)) + shift) for shift in (0.1, 0.0))
    theirs = [fidelity.fid.fid_features_to_statistics(torch.from_numpy(x)) for x in (generated, real)]
    expected = fidelity.fid.fid_statistics_to_metric(*theirs, verbose=False)["frechet_inception_distance"]
    assert frechet_distance(generated=generated, real=real) == pytest.approx(expected, rel=1e-6)


@pytest.mark.usefixtures("large")
def test_collapsed_generator_and_two_halves() -> None:
    rng = np.random.default_rng(6)
    array = features(rng, 400, 0.0)
    halves = frechet_distance(generated=array[::2], real=array[1::2])
    collapsed = frechet_distance(generated=np.repeat(array[:1], 100, axis=0), real=array[1::2])
    assert collapsed > 5 * halves
    trace = np.trace(np.cov(array[1::2], rowvar=False))
    shift = array[0] - array[1::2].mean(axis=0)
    assert collapsed == pytest.approx(shift @ shift + trace, rel=1e-9)
    assert frechet(Moments.of(array), Moments.of(array)) < 1e-20
