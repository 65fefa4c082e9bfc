"""Products in float32 whose answers are those of float64, on data made to be hard for them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ganpipe.metrics import _distances as module
from ganpipe.metrics._distances import SquaredDistances, kth_nearest, within

Array = NDArray[np.float64]
RNG = np.random.default_rng(0)
HARD = {
    "usual": RNG.normal(size=(150, 40)),
    "a line, dense": RNG.uniform(size=(300, 1)),
    "an outlier": np.concatenate([RNG.normal(size=(150, 3)), [[1e7, 0, 0]]]),
    "far from the origin": RNG.normal(size=(150, 5)) + 1e6,
    "copies": np.repeat(RNG.normal(size=(40, 6)), 12, axis=0),
    "one point": np.repeat(RNG.normal(size=(1, 6)), 50, axis=0),
    "clusters": RNG.integers(3, size=(150, 1)) + 1e-6 * RNG.normal(size=(150, 2)),
    "tiny": 1e-25 * RNG.normal(size=(150, 4)),
    "huge": 1e25 * RNG.normal(size=(150, 4)),
    "whole numbers": RNG.integers(-3, 4, size=(200, 3)).astype(np.float64),
}


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK", 4000)
    monkeypatch.setattr(module, "CHUNK", 7)


def squares(first: Array, second: Array) -> Array:
    """By differences: without the cancellation of |a|^2 + |b|^2 - 2ab."""
    return np.stack([((first - row) ** 2).sum(axis=1) for row in second], axis=1)


def masks(left: Array, right: Array, *radii: Array) -> list[NDArray[np.bool_]]:
    found = within(*(torch.from_numpy(one) for one in (left, right)), *(torch.from_numpy(one) for one in radii))
    return [torch.cat(parts).numpy() for parts in zip(*found, strict=True)]


@pytest.mark.parametrize("name", HARD)
def test_answers_are_those_of_float64(name: str) -> None:
    """Among one set, between two sets, and within the k-th distances of either side."""
    points = HARD[name]
    own, tensor = squares(points, points), torch.from_numpy(points)
    np.fill_diagonal(own, np.inf)
    for k in (1, 3, 7):
        found = kth_nearest(tensor, k).numpy()
        np.testing.assert_allclose(found, np.sort(own, axis=1)[:, k - 1], rtol=1e-12, atol=0.0)
    others = points[::2] + 0.3 * (points.std() if name != "clusters" else 1e-6)
    true = squares(others, points)
    found = kth_nearest(torch.from_numpy(others), 2, tensor).numpy()
    np.testing.assert_allclose(found, np.sort(true, axis=1)[:, 1], rtol=1e-12, atol=0.0)
    radii = np.sort(true, axis=0)[2][None], np.sort(true, axis=1)[:, 2:3]
    rounding = 1e-13 * 4 * max(((x - points.mean(axis=0)) ** 2).sum(axis=1).max() for x in (points, others))
    for mask, squared in zip(masks(others, points, *radii), radii, strict=True):
        clear = np.abs(true - squared) > rounding
        np.testing.assert_array_equal(mask[clear], (true <= squared)[clear])
        assert mask[true == squared].all()  # those at the radius are inside


@pytest.mark.parametrize("name", HARD)
@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize("dimension", [None, 2048])
def test_products_are_within_their_bound(name: str, double: bool, dimension: int | None) -> None:
    """With 2048 features the bound has to hold for long sums, too."""
    points = HARD[name][:60]
    if dimension:
        points = np.tile(points, (1, dimension // points.shape[1] + 1))[:, :dimension]
    for other in (points, points[::-1] * 1.5):
        pairs = SquaredDistances(torch.from_numpy(points), torch.from_numpy(other.copy()), double)
        found, bound = pairs.rough(slice(None))
        off = np.abs(found.double().numpy() * pairs.unit - squares(points, other))
        assert off.max() <= bound * pairs.unit * (1 + 1e-9)
        assert bound < (1e-3 if not double else 1e-11)  # over the largest squared length: little is left open


def test_float64_decides_only_what_float32_leaves_open(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    exact = SquaredDistances.exact

    def counted(self: SquaredDistances, i: Any, j: Any) -> Any:
        assert not self.double
        asked.append(len(i))
        return exact(self, i, j)

    monkeypatch.setattr(SquaredDistances, "exact", counted)
    points = torch.from_numpy(RNG.normal(size=(500, 64)))
    radii = kth_nearest(points, 3)
    assert sum(asked) == 500 * (3 + module.SPARE)
    asked.clear()
    list(within(torch.from_numpy(RNG.normal(size=(500, 64))), points, radii[None]))
    assert sum(asked) < 100


def test_where_torch_may_round_products_to_tf32_they_are_float64() -> None:
    points = torch.from_numpy(HARD["usual"])
    assert SquaredDistances(points, points).rough(slice(None))[0].dtype == torch.float32
    torch.set_float32_matmul_precision("high")
    try:
        assert SquaredDistances(points, points).rough(slice(None))[0].dtype == torch.float64
    finally:
        torch.set_float32_matmul_precision("highest")


def test_float32_samples_give_the_answers_of_the_same_numbers_in_float64() -> None:
    narrow = torch.from_numpy(RNG.normal(size=(200, 30)).astype(np.float32) + 5)
    np.testing.assert_array_equal(*(kth_nearest(x, 3) for x in (narrow, narrow.double())))


def test_too_few_samples_are_refused() -> None:
    points = torch.zeros(4, 2)
    for other, k, sentence in (
        (None, 4, "^There are 4 samples: at least 5 are needed"),
        (torch.zeros(4, 2), 5, "^There are 4 samples: at least 5 are needed"),
        (None, 0, r"^k is 0: it should be at least 1\.$"),
    ):
        with pytest.raises(ValueError, match=sentence):
            kth_nearest(points, k, other)
