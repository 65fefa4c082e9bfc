"""Products in float32 whose answers are those of float64, on data made to be hard for them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from ganpipe.metrics import _products as module
from ganpipe.metrics._products import Cloud, Products, power_of_two

Array = NDArray[np.float64]
RNG = np.random.default_rng(0)
HARD = {
    "usual": RNG.normal(size=(150, 40)),
    "a line, dense": RNG.uniform(size=(300, 1)),
    "an outlier": np.concatenate([RNG.normal(size=(150, 3)), [[1e7, 0, 0]]]),
    "far from the origin": RNG.normal(size=(150, 5)) + 1e6,
    "copies": np.repeat(RNG.normal(size=(40, 6)), 4, axis=0),
    "one point": np.repeat(RNG.normal(size=(1, 6)), 50, axis=0),
    "clusters": RNG.integers(3, size=(150, 1)) + 1e-6 * RNG.normal(size=(150, 2)),
    "tiny": 1e-25 * RNG.normal(size=(150, 4)),
    "huge": 1e25 * RNG.normal(size=(150, 4)),
    "whole numbers": RNG.integers(-3, 4, size=(200, 3)).astype(np.float64),
}


def squares(first: Array, second: Array) -> Array:
    """By differences: without the cancellation of |a|^2 + |b|^2 - 2ab."""
    return np.stack([((first - row) ** 2).sum(axis=1) for row in second], axis=1)


def rough(pairs: Products) -> Array:
    """Squared distances (N, M) from products in float32."""
    found = [
        some._plus(some.second, part) + some.first[part, None] / some.unit
        for some in pairs.strips()
        for part in some.looks()
    ]
    return pairs.unit * np.concatenate(found)


def inside(pairs: Products, radii: Array) -> NDArray[np.bool_]:
    """As `hits` has it of each pair (N, M): in float32 where that decides, else in float64."""
    found = []
    for some in pairs.strips():
        for part in some.looks():
            rims = radii if len(radii) == 1 else radii[part]
            if (within := some._inside(part, rims)) is None:
                found.append(some._precisely_inside(part, rims))
            else:
                found.append(np.zeros((part.stop - part.start, len(pairs.right)), dtype=np.bool_))
                found[-1].ravel()[within] = True
    return np.concatenate(found)


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("name", HARD)
def test_nearest_is_that_of_float64(name: str, keep: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK", 4000)
    points = HARD[name]
    cloud = Cloud.of(points)
    own = squares(points, points)
    np.fill_diagonal(own, np.inf)
    # |a|^2 + |b|^2 - 2ab, where the whole block is taken again
    least = 1e-13 * 4 * cloud.lengths.max()
    for k in (1, 3, 7):
        found = Products.of(cloud, cloud, keep=keep).nearest(k)
        np.testing.assert_allclose(found, np.sort(own, axis=1)[:, k - 1], rtol=1e-12, atol=least)


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("name", HARD)
def test_nearest_of_another_cloud_and_what_is_inside(name: str, keep: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK", 4000)
    points = HARD[name]
    others = points[::2] + 0.3 * (points.std() if name != "clusters" else 1e-6)
    pairs = Products.of(Cloud.of(others), Cloud.of(points), keep=keep)
    true = squares(others, points)
    least = 1e-13 * (pairs.first.max() + pairs.right.lengths.max()) * 4
    np.testing.assert_allclose(pairs.nearest(2), np.sort(true, axis=1)[:, 1], rtol=1e-12, atol=least)
    for radii in (np.sort(true, axis=0)[2][None], np.sort(true, axis=1)[:, 2:3]):
        hit, clear = inside(pairs, radii), np.abs(true - radii) > least
        np.testing.assert_array_equal(hit[clear], (true <= radii)[clear])
        assert hit[~clear & (true == radii)].all()


@pytest.mark.parametrize("name", HARD)
@pytest.mark.parametrize("dimension", [None, 2048])
def test_rough_squares_are_within_their_slack(name: str, dimension: int | None) -> None:
    """With 2048 features the bound has to hold for long sums, too."""
    points = HARD[name][:60]
    if dimension:
        points = np.tile(points, (1, dimension // points.shape[1] + 1))[:, :dimension]
    for other in (points, points[::-1] * 1.5):
        pairs = Products.of(Cloud.of(points), Cloud.of(other))
        off = np.abs(rough(pairs) - squares(points, other)) - 1e-12 * pairs.first[:, None]
        assert (off <= pairs.slack[:, None]).all()


def test_the_slack_is_tight_enough_to_leave_little_open() -> None:
    """Hundreds of features of one distribution: at most a few distances in a thousand are taken again."""
    pairs = Products.of(Cloud.of(RNG.normal(size=(300, 512))), Cloud.of(RNG.normal(size=(300, 512))))
    assert (pairs.slack < 1e-3 * pairs.first).all()


def test_float64_decides_only_what_float32_leaves_open(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    exact = Products.exact

    def counted(self: Products, origin: NDArray[np.intp], target: NDArray[np.intp]) -> Array:
        asked.append(len(origin))
        return exact(self, origin, target)

    monkeypatch.setattr(Products, "exact", counted)
    monkeypatch.setattr(Products, "precise", None)
    cloud = Cloud.of(RNG.normal(size=(500, 64)))
    radii = Products.of(cloud, cloud).nearest(3)
    assert 500 <= sum(asked) < 550
    pairs = Products.of(Cloud.of(RNG.normal(size=(500, 64))), cloud)
    inside(pairs, radii[None])
    assert sum(asked) < 800


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("name", HARD)
def test_hits_are_what_is_inside(name: str, keep: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where too much is open for differences, and the blocks are taken again."""
    monkeypatch.setattr(module, "BLOCK", 1500)
    points = HARD[name]
    others = points[::2] + 0.3 * (points.std() if name != "clusters" else 1e-6)
    pairs = Products.of(Cloud.of(others), Cloud.of(points), keep=keep)
    true = squares(others, points)
    reaches = np.sort(true, axis=0)[2][None], np.sort(true, axis=1)[:, 2:3]
    for hits, reach in zip(pairs.hits(*reaches), reaches, strict=True):
        found = inside(pairs, reach)
        np.testing.assert_array_equal(hits.left, found.any(axis=1))
        np.testing.assert_array_equal(hits.right, found.any(axis=0))
        assert hits.count == np.count_nonzero(found)


@pytest.mark.parametrize("neighbours", [1, 5, 60])
def test_nearest_of_many_by_the_least_of_each_group(neighbours: int) -> None:
    """Enough samples for the groups, with the nearest ones in one group, in a row, or twice."""
    points = RNG.normal(size=(1100, 6))
    points[32:70] = points[0] + 1e-3 * RNG.normal(size=(38, 6))
    points[500:520] = points[600:620]
    cloud = Cloud.of(points)
    own = squares(points, points)
    np.fill_diagonal(own, np.inf)
    expected = np.sort(own, axis=1)[:, neighbours - 1]
    np.testing.assert_allclose(Products.of(cloud, cloud).nearest(neighbours), expected, rtol=1e-12)


def test_float32_features_are_kept_and_compared_in_float64() -> None:
    narrow = RNG.normal(size=(200, 30)).astype(np.float32) + 5
    wide = narrow.astype(np.float64)
    found = [Products.of(cloud, cloud).nearest(3) for cloud in (Cloud.of(narrow), Cloud.of(wide))]
    np.testing.assert_array_equal(*found)
    assert Cloud.of(narrow).features.dtype == np.float32
    assert Cloud.of(narrow.astype(np.float16)).features.dtype == np.float64


def test_kept_products_are_those_that_would_be_computed() -> None:
    cloud, other = Cloud.of(RNG.normal(size=(90, 7)) + 2), Cloud.of(RNG.gamma(1.0, size=(70, 7)))
    for pair in ((cloud, other), (cloud, cloud)):
        kept, unkept = Products.of(*pair, keep=True), Products.of(*pair)
        (computed,) = unkept.strips()
        assert computed.looks() == [slice(0, 90)]
        before = rough(kept)
        np.testing.assert_allclose(before, rough(unkept), rtol=1e-4, atol=1e-5)
        some, columns = slice(10, 60), slice(1, 69)
        expected = 3.0 * pair[0].offsets(some) @ pair[1].offsets(columns).T
        for products in (kept, computed):
            np.testing.assert_allclose(products.times(3.0, some, columns), expected, rtol=1e-4, atol=1e-5)
        np.testing.assert_array_equal(rough(kept), before)  # the kept ones are not written to


@pytest.mark.parametrize(("value", "expected"), [(0.0, 1.0), (1.0, 2.0), (3.0, 4.0), (0.3, 0.5), (1e-30, 2.0**-99)])
def test_power_of_two(value: float, expected: float) -> None:
    assert power_of_two(value) == expected
