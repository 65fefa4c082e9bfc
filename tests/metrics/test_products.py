"""Products in float32 whose answers are those of float64, on data made to be hard for them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ganpipe.metrics import _products as module
from ganpipe.metrics._hits import Inside, hits
from ganpipe.metrics._nearest import Nearest, nearest
from ganpipe.metrics._products import Block, Cloud, Products, Tile, Visitor, power_of_two

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


class Seen(Visitor):
    """Squared distances (N, M) from the products in float32, each block of which may be changed by nobody."""

    def look(self, block: Block) -> Block:
        block.products.flags.writeable = False
        return replace(block, products=block.products.copy())

    def gathered(self, pairs: Products, found: list[Block]) -> Array:
        whole = np.full((len(pairs.left), len(pairs.right)), np.nan)
        for block in found:
            whole[block.rows, block.columns] = block.products
            if block.alone:
                whole[block.columns, block.rows] = block.products.T
                if block.own:
                    assert block.rows.start == block.columns.start
                    assert block.rows.stop - block.rows.start == block.own <= block.columns.stop - block.columns.start
                else:
                    assert block.rows.stop <= block.columns.start
        assert np.isfinite(whole).all()
        return pairs.unit * whole + pairs.first[:, None] + pairs.second


def rough(pairs: Products) -> Array:
    (found,) = pairs.visit(Seen())
    return np.asarray(found)


class PairByPair(Visitor):
    """As `Inside` has it of each pair (N, M): in float32 where that decides, else in float64."""

    def __init__(self, radii: Array) -> None:
        self.inside = Inside(radii)

    def look(self, block: Block) -> list[tuple[Tile, Any]]:
        looked = [(slice(block.rows.start + some.start, block.rows.start + some.stop), some) for some in block.looks()]
        tiles = [((rows, block.columns), some) for rows, some in looked]
        return [
            (tile, self.inside._inside(block.pairs, tile, block.products[some], block.products[some].copy()))
            for tile, some in tiles
        ]

    def gathered(self, pairs: Products, found: list[list[tuple[Tile, Any]]]) -> NDArray[np.bool_]:
        whole = np.zeros((len(pairs.left), len(pairs.right)), dtype=np.bool_)
        for tile, ends in (look for looks in found for look in looks):
            whole[tile][self.inside._precisely(pairs, tile) if ends is None else ends] = True
        return whole


def inside(pairs: Products, radii: Array) -> NDArray[np.bool_]:
    (found,) = pairs.visit(PairByPair(radii))
    return np.asarray(found)


@pytest.mark.parametrize("rows", [16, 128])
@pytest.mark.parametrize("name", HARD)
def test_nearest_is_that_of_float64(name: str, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK", 4000)
    monkeypatch.setattr(module, "ROWS", rows)
    monkeypatch.setattr(module, "WIDTH", 3 * rows)
    points = HARD[name]
    cloud = Cloud.of(points)
    own = squares(points, points)
    np.fill_diagonal(own, np.inf)
    # |a|^2 + |b|^2 - 2ab, where the whole block is taken again
    least = 1e-13 * 4 * cloud.lengths.max()
    for k in (1, 3, 7):
        found = nearest(Products.of(cloud, cloud), k)
        np.testing.assert_allclose(found, np.sort(own, axis=1)[:, k - 1], rtol=1e-12, atol=least)


@pytest.mark.parametrize("name", HARD)
def test_nearest_of_another_cloud_and_what_is_inside(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK", 4000)
    points = HARD[name]
    others = points[::2] + 0.3 * (points.std() if name != "clusters" else 1e-6)
    pairs = Products.of(Cloud.of(others), Cloud.of(points))
    true = squares(others, points)
    least = 1e-13 * (pairs.first.max() + pairs.right.lengths.max()) * 4
    np.testing.assert_allclose(nearest(pairs, 2), np.sort(true, axis=1)[:, 1], rtol=1e-12, atol=least)
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
    radii = nearest(Products.of(cloud, cloud), 3)
    assert 500 <= sum(asked) < 550
    pairs = Products.of(Cloud.of(RNG.normal(size=(500, 64))), cloud)
    inside(pairs, radii[None])
    assert sum(asked) < 800


@pytest.mark.parametrize("name", HARD)
def test_hits_are_what_is_inside(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where too much is open for differences, and the blocks are taken again."""
    monkeypatch.setattr(module, "BLOCK", 1500)
    monkeypatch.setattr(module, "WIDTH", 70)
    points = HARD[name]
    others = points[::2] + 0.3 * (points.std() if name != "clusters" else 1e-6)
    pairs = Products.of(Cloud.of(others), Cloud.of(points))
    true = squares(others, points)
    reaches = np.sort(true, axis=0)[2][None], np.sort(true, axis=1)[:, 2:3]
    for hit, reach in zip(pairs.visit(*(Inside(reach) for reach in reaches)), reaches, strict=True):
        found = inside(pairs, reach)
        np.testing.assert_array_equal(hit.left, found.any(axis=1))
        np.testing.assert_array_equal(hit.right, found.any(axis=0))
        assert hit.count == np.count_nonzero(found)


def test_one_left_sample_has_one_radius_for_all_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WIDTH", 50)
    one, points = RNG.normal(size=(1, 4)), RNG.normal(size=(300, 4))
    found = hits(Products.of(Cloud.of(one), Cloud.of(points)), np.array([[4.0]]))
    np.testing.assert_array_equal(found.right, squares(one, points)[0] <= 4.0)


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
    np.testing.assert_allclose(nearest(Products.of(cloud, cloud), neighbours), expected, rtol=1e-12)


def test_float32_features_are_kept_and_compared_in_float64() -> None:
    narrow = RNG.normal(size=(200, 30)).astype(np.float32) + 5
    wide = narrow.astype(np.float64)
    found = [nearest(Products.of(cloud, cloud), 3) for cloud in (Cloud.of(narrow), Cloud.of(wide))]
    np.testing.assert_array_equal(*found)
    assert Cloud.of(narrow).features.dtype == np.float32
    assert Cloud.of(narrow.astype(np.float16)).features.dtype == np.float64


@pytest.mark.parametrize(("block", "width"), [(1, 50), (500, 50), (500, 2**11), (2**21, 2**11), (2**21, 1)])
@pytest.mark.parametrize("rows", [1, 16, 256])
def test_visitors_see_each_pair_in_the_same_products(
    block: int, width: int, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("BLOCK", block), ("WIDTH", width), ("ROWS", rows)):
        monkeypatch.setattr(module, name, value)
    cloud, other = Cloud.of(RNG.normal(size=(90, 7)) + 2), Cloud.of(RNG.gamma(1.0, size=(70, 7)))
    for pair in ((cloud, other), (cloud, cloud)):
        pairs = Products.of(*pair)
        seen, near, again = pairs.visit(Seen(), Nearest(3), Seen())
        np.testing.assert_array_equal(seen, again)
        np.testing.assert_allclose(seen, squares(pair[0].features, pair[1].features), atol=1e-4)
        np.testing.assert_array_equal(near, nearest(pairs, 3))
    assert pairs.visit() == []


def test_what_is_kept_of_many_strips_is_sifted_on_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some pairs a sample, however many strips there are, and the same distances."""
    sizes: list[int] = []
    gathered = Nearest.gathered

    def counted(self: Nearest, pairs: Products, found: list[Any]) -> Array:
        sizes.append(sum(len(some.values) for several in found for some in several))
        return gathered(self, pairs, found)

    monkeypatch.setattr(Nearest, "gathered", counted)
    cloud = Cloud.of(RNG.normal(size=(800, 5)))
    whole = nearest(Products.of(cloud, cloud), 3)
    monkeypatch.setattr(module, "ROWS", 5)
    monkeypatch.setattr(module, "SHARES", 3)
    monkeypatch.setattr(module, "BLOCK", 1000)
    np.testing.assert_array_equal(nearest(Products.of(cloud, cloud), 3), whole)
    assert sizes[1] < 800 * 30  # of 160 strips with three each or more


def test_a_crowd_is_taken_again_in_float64(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the samples that have one, whichever side of a block they are on."""
    again: list[int] = []
    precise = Products.precise

    def counted(self: Products, chosen: NDArray[np.intp], right: Array) -> Array:
        again.extend(chosen)
        return precise(self, chosen, right=right)

    monkeypatch.setattr(Products, "precise", counted)
    monkeypatch.setattr(module, "ROWS", 50)
    points = RNG.normal(size=(400, 8))
    crowd = RNG.permutation(400)[:150]
    points[crowd] = points[crowd[0]] + 1e-9 * RNG.normal(size=(150, 8))
    own = squares(points, points)
    np.fill_diagonal(own, np.inf)
    cloud = Cloud.of(points)
    found = nearest(Products.of(cloud, cloud), 2)
    assert set(crowd) <= set(again)
    assert len(again) == len(set(again)) < 250  # others have all of the crowd as second neighbour
    np.testing.assert_allclose(found, np.sort(own, axis=1)[:, 1], rtol=1e-12, atol=4e-13 * cloud.lengths.max())


@pytest.mark.parametrize(("value", "expected"), [(0.0, 1.0), (1.0, 2.0), (3.0, 4.0), (0.3, 0.5), (1e-30, 2.0**-99)])
def test_power_of_two(value: float, expected: float) -> None:
    assert power_of_two(value) == expected
