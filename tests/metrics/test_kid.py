"""KID against torch-fidelity on the same subsets and against the kernel's closed form."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ganpipe.metrics import kid as module
from ganpipe.metrics.kid import Subsets, kid, kid_on

Array = NDArray[np.float64]


def theirs(fidelity: SimpleNamespace, generated: Array, real: Array, count: int, size: int) -> tuple[float, float]:
    found = fidelity.kid.kid_features_to_metric(
        torch.from_numpy(generated),
        torch.from_numpy(real),
        kid_subsets=count,
        kid_subset_size=size,
        rng_seed=2020,
        verbose=False,
    )
    return found["kernel_inception_distance_mean"], found["kernel_inception_distance_std"]


def their_subsets(generated: int, real: int, count: int, size: int) -> Subsets:
    rng = np.random.RandomState(2020)
    drawn = [[rng.choice(n, size, replace=False) for n in (generated, real)] for _ in range(count)]
    return Subsets(np.stack([one for one, _ in drawn]), np.stack([other for _, other in drawn]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shift", [0.0, 0.3, 5.0])
def test_parity_with_torch_fidelity(shift: float, dtype: type[np.floating[Any]], fidelity: SimpleNamespace) -> None:
    rng = np.random.default_rng(1)
    generated = (rng.normal(size=(200, 24)) @ rng.normal(size=(24, 24)) / 5 + shift).astype(dtype)
    real = rng.gamma(2.0, size=(150, 24)).astype(dtype)
    mean, deviation = theirs(fidelity, generated.astype(np.float64), real.astype(np.float64), 12, 60)
    found = kid_on(their_subsets(200, 150, 12, 60), generated=generated, real=real)
    close = 1e-6 if dtype == np.float32 else 1e-10
    assert found.mean == pytest.approx(mean, rel=close)
    assert found.deviation * np.sqrt(11 / 12) == pytest.approx(deviation, rel=close)
    assert found.error == pytest.approx(found.deviation / np.sqrt(12), rel=1e-12)


def near(generated: Array, real: Array, chosen: Subsets, off: float = 1e-6) -> bool:
    """Whether float32 features give what the same numbers in float64 do; says whether their products were float64."""
    asked = list[torch.dtype]()
    estimates = module._estimates
    narrow = [side.astype(np.float32) for side in (generated, real)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_estimates", lambda *given: (asked.append(given[-1]), estimates(*given))[1])
        found = kid_on(chosen, generated=narrow[0], real=narrow[1])
    expected = kid_on(chosen, generated=narrow[0].astype(np.float64), real=narrow[1].astype(np.float64))
    np.testing.assert_allclose(found.values, expected.values, rtol=off, atol=off * abs(expected.mean))
    return asked != [torch.float32, torch.float64]


def test_float32_products_keep_six_digits_where_the_distance_is_small() -> None:
    """The usual form of features, all above 0 and with a large mean: plain float32 is off by several 1e-4."""
    rng = np.random.default_rng(2)
    falling = np.exp(-np.arange(512) / 100)
    real = 0.1 + np.abs(rng.normal(size=(400, 512))) * falling
    generated = 0.1 + np.abs(rng.normal(size=(400, 512))) * falling + 0.1 * falling
    chosen = their_subsets(400, 400, 5, 300)
    assert not near(generated, real, chosen)
    assert kid_on(chosen, generated=generated, real=real).mean < 1e-2


@pytest.mark.parametrize("spread", [1.0, 1.05])
def test_where_the_kernels_are_far_larger_than_the_distance(spread: float) -> None:
    """Features of ten classes behind a rectifier: the kernels are a thousand times the distance."""
    rng = np.random.default_rng(0)
    centres = 6 * rng.normal(size=(10, 64))
    generated, real = (
        np.maximum(centres[rng.integers(10, size=n)] + 2 * std * rng.normal(size=(n, 64)), 0.0)
        for n, std in ((700, 1.0), (360, spread))
    )
    near(generated, real, Subsets.draw(generated=700, real=360, subsets=50, size=180, rng=rng))


@pytest.mark.parametrize(("subsets", "centres", "seed"), [(50, 5, 3), (10, 5, 4), (3, 10, 5), (2, 1, 6)])
def test_clusters_of_any_distance_and_few_subsets(subsets: int, centres: int, seed: int) -> None:
    """All estimates can be off alike, and some of them right by chance."""
    rng = np.random.default_rng(seed)
    for far in np.exp(np.linspace(-1.0, 3.4, 8)):
        places = far * rng.normal(size=(centres, 8))
        draws = [places[rng.integers(centres, size=count)] + rng.normal(size=(count, 8)) for count in (180, 150)]
        chosen = Subsets.draw(generated=180, real=150, subsets=subsets, size=100, rng=rng)
        near(np.maximum(draws[0], 0.0), np.maximum(draws[1], 0.0), chosen)


@pytest.mark.parametrize("far", [10.0, 300.0])
def test_few_samples_far_away_decide_and_are_compared(far: float) -> None:
    """Most subsets hold none of them."""
    rng = np.random.default_rng(3)
    place = far * np.abs(rng.normal(size=16))
    generated, real = np.abs(rng.normal(size=(1000, 16)) + 0.5), np.abs(rng.normal(size=(1000, 16)))
    for side in (generated, real):
        side[rng.choice(1000, 3, replace=False)] += place
    near(generated, real, Subsets.draw(generated=1000, real=1000, subsets=50, size=100, rng=np.random.default_rng(3)))


@pytest.mark.parametrize("apart", [0.1, 0.0])
@pytest.mark.parametrize(
    ("size", "spread"), [(1e-9, 1.0), (1.0, 1e-3), (1.0, 0.0), (2e4, 1e-7), (1e15, 1.0), (1e24, 1e-3)]
)
def test_features_of_any_size_and_spread_stay_within_their_numbers(size: float, spread: float, apart: float) -> None:
    """Cubed and added up, float32's exponent ends at 3e38. Nearly the same features are those of a collapse."""
    rng = np.random.default_rng(8)
    generated, real = (size * (1.0 - spread * rng.uniform(0.0, 0.1, size=(300, 20))) for _ in range(2))
    chosen = Subsets.draw(generated=300, real=300, subsets=6, size=200, rng=rng)
    near(generated, real * (1.0 - apart), chosen, 1e-5 if apart == 0.0 else 1e-6)


def test_by_hand_the_diagonal_is_left_out() -> None:
    """Two samples a side in one dimension: k(1, 2) = 27, k(0, 3) = 1, between 1, 64, 1, 343."""
    found = kid_on(Subsets(np.array([[0, 1]]), np.array([[1, 0]])), generated=[[1.0], [2.0]], real=[[0.0], [3.0]])
    assert found.mean == pytest.approx(27 + 1 - 2 * (1 + 64 + 1 + 343) / 4, rel=1e-12)
    assert (found.deviation, found.error) == (0.0, 0.0)


def test_normals_reach_the_closed_form_without_bias() -> None:
    """In one dimension, N(a, 1) against N(0, 1): the kernel's features are moments, whose squared differences
    add up: 3 a^2 + 3 a^4 + (a^3 + 3 a)^2. Within 4 standard errors of independent draws."""
    rng, a = np.random.default_rng(3), 0.5
    expected = 3 * a**2 + 3 * a**4 + (a**3 + 3 * a) ** 2
    values = []
    for _ in range(400):
        whole = Subsets(np.arange(50)[None], np.arange(50)[None])
        draw = rng.normal(size=(2, 50, 1))
        values.append(kid_on(whole, generated=draw[0] + a, real=draw[1]).mean)
    assert abs(np.mean(values) - expected) < 4 * np.std(values) / np.sqrt(400)
    assert abs(np.mean(values) - expected) < 0.15 * expected


def test_two_halves_are_at_zero_on_either_side() -> None:
    rng = np.random.default_rng(4)
    values = [
        kid(generated=rng.normal(size=(80, 8)), real=rng.normal(size=(80, 8)), subsets=1, size=80, rng=rng).mean
        for _ in range(60)
    ]
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(60)
    assert 15 < np.count_nonzero(np.array(values) < 0) < 45


def test_collapsed_generator_is_far_and_further_than_a_shifted_one() -> None:
    rng = np.random.default_rng(5)
    real = rng.normal(size=(300, 8))
    exact, shifted = rng.normal(size=(300, 8)), rng.normal(size=(300, 8)) + 0.2
    collapsed = np.repeat(real[:1], 300, axis=0)
    by = {
        name: kid(generated=made, real=real, subsets=10, size=150, rng=np.random.default_rng(0)).mean
        for name, made in (("exact", exact), ("shifted", shifted), ("collapsed", collapsed))
    }
    assert by["exact"] < by["shifted"] < by["collapsed"]
    assert by["collapsed"] > 1.0


def test_sides_of_unequal_size_are_not_interchangeable() -> None:
    rng = np.random.default_rng(6)
    chosen = Subsets.draw(generated=30, real=90, subsets=4, size=30, rng=rng)
    generated, real = rng.normal(size=(30, 3)), rng.normal(size=(90, 3))
    kid_on(chosen, generated=generated, real=real)
    with pytest.raises(ValueError, match=r"^Subsets of real run from \d+ to \d+: there are 30 samples\.$"):
        kid_on(chosen, generated=real, real=generated)


def test_the_seed_decides_and_subsets_hold_no_sample_twice() -> None:
    one, two, other = (
        Subsets.draw(generated=40, real=50, subsets=20, size=10, rng=np.random.default_rng(seed)) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one.generated, two.generated)
    np.testing.assert_array_equal(one.real, two.real)
    assert (one.generated != other.generated).any()
    assert all(len(set(row)) == 10 for row in one.generated)
    assert set(one.generated.ravel()) == set(range(40))
    assert set(one.real.ravel()) == set(range(50))


@pytest.mark.parametrize(
    ("subsets", "size", "sentence"),
    [
        (0, 5, "^subsets is 0"),
        (3, 1, "^size is 1: it should be from 2 to the 8 samples"),
        (3, 9, "^size is 9: it should be from 2 to the 8 samples"),
    ],
)
def test_bad_subsets_are_refused(subsets: int, size: int, sentence: str) -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=sentence):
        kid(generated=np.zeros((8, 2)), real=np.zeros((9, 2)), subsets=subsets, size=size, rng=rng)


@pytest.mark.parametrize(
    ("generated", "real", "chosen", "sentence"),
    [
        (
            np.zeros((8, 2)),
            np.zeros((8, 3)),
            Subsets(np.array([[0, 1]]), np.array([[0, 1]])),
            "^The number of features",
        ),
        (np.zeros(8), np.zeros((8, 3)), Subsets(np.array([[0, 1]]), np.array([[0, 1]])), "^generated should have"),
        (
            np.zeros((8, 2)),
            np.full((8, 2), np.nan),
            Subsets(np.array([[0, 1]]), np.array([[0, 1]])),
            "^real has values",
        ),
        (
            np.zeros((8, 2)),
            np.zeros((8, 2)),
            Subsets(np.array([[0, 0]]), np.array([[0, 1]])),
            "generated hold a sample twice",
        ),
        (np.zeros((8, 2)), np.zeros((8, 2)), Subsets(np.array([[0, 1]]), np.array([[0, -1]])), "real run from -1 to 0"),
        (np.zeros((8, 2)), np.zeros((8, 2)), Subsets(np.array([[0, 1]]), np.array([[0, 1, 2]])), "^Subsets should be"),
    ],
)
def test_bad_input_is_refused(generated: Any, real: Any, chosen: Subsets, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        kid_on(chosen, generated=generated, real=real)
