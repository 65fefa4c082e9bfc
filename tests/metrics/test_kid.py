"""KID against torch-fidelity on the same subsets and against the kernel's closed form."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ganpipe.metrics import _products
from ganpipe.metrics import kid as module
from ganpipe.metrics.kid import Subsets, kid, kid_of, kid_on
from ganpipe.metrics.pairs import Pairs

Array = NDArray[np.float64]


@pytest.fixture(autouse=True)
def rough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Products in float32 wherever they will do, for few samples, too."""
    monkeypatch.setattr(module, "CHEAP", 0)


def theirs(fidelity: SimpleNamespace, generated: Array, real: Array, count: int, size: int) -> tuple[float, float]:
    import torch

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


@pytest.mark.parametrize("shift", [0.0, 0.3, 5.0])
def test_parity_with_torch_fidelity(shift: float, fidelity: SimpleNamespace) -> None:
    rng = np.random.default_rng(1)
    generated = rng.normal(size=(200, 24)) @ rng.normal(size=(24, 24)) / 5 + shift
    real = rng.gamma(2.0, size=(150, 24))
    mean, deviation = theirs(fidelity, generated, real, 12, 60)
    chosen = their_subsets(200, 150, 12, 60)
    for found in (
        kid_on(chosen, generated=generated, real=real),
        kid_of(Pairs.of(generated=generated, real=real), chosen),
    ):
        assert found.mean == pytest.approx(mean, rel=1e-6)
        assert found.deviation * np.sqrt(11 / 12) == pytest.approx(deviation, rel=1e-6)
        assert found.error == pytest.approx(found.deviation / np.sqrt(12), rel=1e-12)
    assert kid_on(chosen, generated=generated, real=real).mean == pytest.approx(mean, rel=1e-10)


def test_float32_products_keep_six_digits_where_the_distance_is_small(fidelity: SimpleNamespace) -> None:
    """The usual form of features, all above 0 and with a large mean: plain float32 is off by several 1e-4."""
    rng = np.random.default_rng(2)
    falling = np.exp(-np.arange(512) / 100)
    real = 0.1 + np.abs(rng.normal(size=(400, 512))) * falling
    generated = 0.1 + np.abs(rng.normal(size=(400, 512))) * falling + 0.02 * falling
    mean, _ = theirs(fidelity, generated, real, 5, 300)
    chosen = their_subsets(400, 400, 5, 300)
    assert kid_of(Pairs.of(generated=generated, real=real), chosen).mean == pytest.approx(mean, rel=1e-6)
    assert mean < 1e-3


def classes(spread: float, count: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Features of ten classes behind a rectifier, far from each other beside their spread."""
    centres = 6 * np.random.default_rng(0).normal(size=(10, 64))
    near = centres[rng.integers(10, size=count)] + 2 * spread * rng.normal(size=(count, 64))
    return np.maximum(near, 0.0).astype(np.float32)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("spread", [1.0, 1.05])
def test_where_the_kernels_are_far_larger_than_the_distance_it_is_that_of_float64(spread: float, seed: int) -> None:
    """Float32 leaves the fifth digit open there: the kernels are a thousand times the distance."""
    rng = np.random.default_rng(seed)
    generated, real = classes(1.0, 700, rng), classes(spread, 360, rng)
    chosen = Subsets.draw(generated=700, real=360, subsets=50, size=180, rng=rng)
    expected, found = (
        kid_on(chosen, generated=generated, real=real),
        kid_of(Pairs.of(generated=generated, real=real), chosen),
    )
    assert [found.mean, found.error] == pytest.approx([expected.mean, expected.error], rel=1e-6)


@pytest.mark.parametrize(("count", "shift"), [(6, 0.0), (6, 0.5), (4, 0.5)])
def test_float64_is_asked_for_all_subsets_only_where_they_are_few_or_the_distance_is_small(
    count: int, shift: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    estimate = module._estimate

    def counted(x: Array, y: Array) -> float:
        asked.append(len(x))
        return estimate(x, y)

    monkeypatch.setattr(module, "_estimate", counted)
    rng = np.random.default_rng(9)
    generated, real = (0.1 + np.abs(rng.normal(size=(800, 64)) + more) for more in (shift, 0.0))
    chosen = Subsets.draw(generated=800, real=800, subsets=count, size=200, rng=rng)
    found = kid_of(Pairs.of(generated=generated, real=real), chosen)
    assert asked == {(6, 0.0): [50] * 8 + [200] * 6, (6, 0.5): [50] * 8, (4, 0.5): [200] * 4}[count, shift]
    assert found.mean == pytest.approx(kid_on(chosen, generated=generated, real=real).mean, rel=1e-6)


def test_what_is_cheap_is_that_of_float64(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(10)
    generated, real = rng.normal(size=(90, 10)) + 0.5, rng.gamma(2.0, size=(70, 10))
    chosen = Subsets.draw(generated=90, real=70, subsets=6, size=30, rng=rng)
    expected = kid_on(chosen, generated=generated, real=real).values
    for cheap in (6 * 30 * 30 * 10 - 1, 6 * 30 * 30 * 10):
        monkeypatch.setattr(module, "CHEAP", cheap)
        found = kid_of(Pairs.of(generated=generated, real=real), chosen).values
        assert np.array_equal(found, expected) == (cheap == 6 * 30 * 30 * 10)


@pytest.mark.parametrize(("subsets", "centres", "seed"), [(50, 5, 3), (10, 5, 4), (3, 10, 5), (2, 1, 6)])
def test_clusters_of_any_distance_and_few_subsets(subsets: int, centres: int, seed: int) -> None:
    """All estimates can be off alike, and some of them right by chance."""
    rng = np.random.default_rng(seed)
    for far in np.exp(np.linspace(-1.0, 3.4, 24)):
        places = far * rng.normal(size=(centres, 8))
        draws = [places[rng.integers(centres, size=count)] + rng.normal(size=(count, 8)) for count in (180, 150)]
        generated, real = (np.maximum(one, 0.0) for one in draws)
        chosen = Subsets.draw(generated=180, real=150, subsets=subsets, size=100, rng=rng)
        expected = kid_on(chosen, generated=generated, real=real)
        found = kid_of(Pairs.of(generated=generated, real=real), chosen)
        assert [found.mean, found.error] == pytest.approx([expected.mean, expected.error], rel=1e-6)


@pytest.mark.parametrize("far", [10.0, 30.0, 300.0])
def test_few_samples_far_away_decide_and_are_compared(far: float) -> None:
    """Most parts of subsets hold none of them."""
    rng = np.random.default_rng(3)
    place = far * np.abs(rng.normal(size=16))
    generated, real = np.abs(rng.normal(size=(1000, 16)) + 0.5), np.abs(rng.normal(size=(1000, 16)))
    for side in (generated, real):
        side[rng.choice(1000, 3, replace=False)] += place
    chosen = Subsets.draw(generated=1000, real=1000, subsets=50, size=100, rng=np.random.default_rng(3))
    expected = kid_on(chosen, generated=generated, real=real)
    found = kid_of(Pairs.of(generated=generated, real=real), chosen)
    assert [found.mean, found.error] == pytest.approx([expected.mean, expected.error], rel=1e-6)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(7)
    generated, real = rng.normal(size=(90, 10)) + 0.5, rng.gamma(2.0, size=(70, 10))
    chosen = Subsets.draw(generated=90, real=70, subsets=6, size=30, rng=rng)
    expected = kid_on(chosen, generated=generated, real=real).values
    for block in (4000, 1):
        monkeypatch.setattr(_products, "BLOCK", block)
        np.testing.assert_allclose(kid_of(Pairs.of(generated=generated, real=real), chosen).values, expected, rtol=1e-6)


@pytest.mark.parametrize("apart", [0.1, 0.0])
@pytest.mark.parametrize("spread", [1.0, 1e-3, 1e-7, 1e-9, 1e-15, 0.0])
@pytest.mark.parametrize("size", [1e-9, 1.0, 2e4, 1e15, 1e24])
def test_features_of_any_size_and_spread_stay_within_their_numbers(size: float, spread: float, apart: float) -> None:
    """Cubed and added up, float32's exponent ends at 3e38. Nearly the same features are those of a collapse."""
    rng = np.random.default_rng(8)
    generated, real = (size * (1.0 - spread * rng.uniform(0.0, 0.1, size=(300, 200))) for _ in range(2))
    real *= 1.0 - apart
    chosen = Subsets.draw(generated=300, real=300, subsets=6, size=200, rng=rng)
    expected = kid_on(chosen, generated=generated, real=real).values
    np.testing.assert_allclose(kid_of(Pairs.of(generated=generated, real=real), chosen).values, expected, rtol=1e-6)


@pytest.mark.parametrize("far", [10.0, 100.0, 1e55])
def test_an_outlier_outside_the_subsets_does_not_show(far: float) -> None:
    rng = np.random.default_rng(7)
    generated, real = rng.normal(size=(600, 64)), rng.normal(size=(600, 64))
    generated[0] *= far
    real[0] *= far
    chosen = Subsets(*(np.stack([rng.permutation(np.arange(1, 600))[:200] for _ in range(6)]) for _ in range(2)))
    expected = kid_on(chosen, generated=generated, real=real).values
    found = kid_of(Pairs.of(generated=generated, real=real), chosen).values
    np.testing.assert_allclose(found, expected, rtol=1e-6)


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
