"""Products and passes on several threads: the same answers as on one."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Literal

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ganpipe.metrics import _products, _threads, kid
from ganpipe.metrics._nearest import nearest
from ganpipe.metrics._threads import (
    blocks,
    centred,
    cholesky,
    each,
    gram,
    in_turn,
    is_triangle,
    product,
    spread,
    squared_singular_values,
    triangle_product,
)
from ganpipe.metrics.frechet import frechet_distance
from ganpipe.metrics.kid import Subsets, kid_of
from ganpipe.metrics.pairs import Pairs
from ganpipe.metrics.precision_recall import precision_recall_of

Array = NDArray[np.float64]
RNG = np.random.default_rng(0)


@pytest.fixture
def three_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("three_threads")
def test_each_keeps_the_order_and_passes_errors_on() -> None:
    parts = blocks(100, 3, 12)
    assert each(lambda part: part.start, parts) == list(range(0, 100, 4))
    with pytest.raises(ZeroDivisionError):
        each(lambda part: 1 // part.start, parts)
    assert each(lambda part: part, []) == []


def test_each_takes_no_more_threads_than_torch_may(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    pool = _threads.ThreadPoolExecutor
    monkeypatch.setattr(_threads, "ThreadPoolExecutor", lambda count: (asked.append(count), pool(count))[1])
    before = torch.get_num_threads()
    for count in (1, 2, 5):
        torch.set_num_threads(count)
        each(lambda part: part, blocks(4, 1, 1))
    torch.set_num_threads(before)
    assert asked == [2, 4]


def figures(generated: Array, real: Array) -> tuple[list[float], list[float]]:
    pairs = Pairs.of(generated=generated, real=real)
    chosen = Subsets.draw(generated=600, real=500, subsets=5, size=200, rng=np.random.default_rng(1))
    both = precision_recall_of(pairs, neighbours=3)
    counted = [both.precision, both.recall, *nearest(pairs.real, 2)]
    return counted, [*kid_of(pairs, chosen).values, frechet_distance(generated=generated, real=real)]


def test_the_number_of_threads_shows_in_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_products, "BLOCK", 20_000)
    monkeypatch.setattr(kid, "CHEAP", 0)
    real = RNG.normal(size=(500, 16))
    generated = RNG.normal(size=(600, 16)) + 0.3
    before, found = torch.get_num_threads(), []
    for count in (1, 3):
        torch.set_num_threads(count)
        found.append(figures(generated, real))
    torch.set_num_threads(before)
    (counted, sums), (counted_again, sums_again) = found
    assert counted == counted_again
    np.testing.assert_allclose(sums, sums_again, rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_product_into_an_array_and_of_one_that_may_not_be_written_to(dtype: type) -> None:
    left, right = RNG.normal(size=(7, 5)).astype(dtype), RNG.normal(size=(9, 5)).astype(dtype)
    left.flags.writeable = False
    whole = np.zeros((10, 12), dtype=dtype)
    found = product(left, right, whole[2:9, 1:10])
    np.testing.assert_allclose(found, left @ right.T, rtol=1e-5, atol=1e-6)
    assert found.base is whole
    assert np.count_nonzero(whole) == 63
    np.testing.assert_array_equal(product(left, right.copy()), found)
    whole[:] = np.nan  # what is there is not read
    np.testing.assert_allclose(product(left, right, whole[2:9, 1:10]), left @ right.T, rtol=1e-5, atol=1e-6)


def test_products_are_float32_throughout_where_torch_may_use_less() -> None:
    left = RNG.normal(size=(256, 512)).astype(np.float32)
    exact = left.astype(np.float64) @ left.T.astype(np.float64)
    torch.set_float32_matmul_precision("medium")
    try:
        found, twice = product(left, left), product(left, 2 * left)
    finally:
        torch.set_float32_matmul_precision("highest")
    assert np.abs(found - exact).max() < 1e-3
    np.testing.assert_allclose(twice, 2.0 * found, rtol=1e-6, atol=1e-3)


@pytest.mark.usefixtures("three_threads")
def test_centred_and_gram_add_up_to_the_covariance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_threads, "CHUNK", 100)
    monkeypatch.setattr(_threads, "CACHE", 30)
    array = RNG.normal(size=(57, 10)) + 3
    for features in (array, array.astype(np.float32)):
        mean, low, high = spread("features", features)
        exact = features.astype(np.float64)
        np.testing.assert_allclose(mean, exact.mean(axis=0), rtol=1e-14)
        np.testing.assert_array_equal((low, high), (exact.min(axis=0), exact.max(axis=0)))
        offsets = np.concatenate([some.copy() for some in centred(features, mean)])
        np.testing.assert_array_equal(offsets, exact - mean)
        np.testing.assert_allclose(np.triu(gram(features, mean)), np.triu(56 * np.cov(exact, rowvar=False)), atol=1e-12)


def test_blas_takes_the_threads_that_torch_has_and_gives_them_back() -> None:
    def threads() -> list[int]:
        return [library["num_threads"] for library in _threads._controller().info() if library["user_api"] == "blas"]

    before, of_torch = threads(), torch.get_num_threads()
    assert len(before) >= 2, "numpy's and SciPy's"
    for count in (1, 2):
        torch.set_num_threads(count)
        with _threads._as_many_as_torch():
            assert set(threads()) == {count}
        assert each(lambda _: set(threads()), blocks(3, 1, 1)) == [{1}, {1}, {1}]
    torch.set_num_threads(of_torch)
    assert threads() == before


def test_the_limit_of_blas_is_given_back_whoever_ends_first() -> None:
    def threads() -> list[int]:
        return [library["num_threads"] for library in _threads._controller().info() if library["user_api"] == "blas"]

    before = threads()
    first, seen = threading.Event(), []

    def one(_: slice) -> None:
        first.set()
        time.sleep(0.1)
        seen.append(set(threads()))

    several = [threading.Thread(target=lambda: each(one, [slice(0, 1)])) for _ in range(2)]
    for thread in several:
        thread.start()
        assert first.wait(10)
    for thread in several:
        thread.join()
    assert seen == [{1}, {1}]
    assert threads() == before


def test_triangle_product_is_the_product_with_the_upper_triangle() -> None:
    rng = np.random.default_rng(5)
    left, right = rng.normal(size=(30, 20)), np.triu(rng.normal(size=(20, 20)))
    for order in ("C", "F"):
        found = triangle_product(np.asarray(left, order=order), np.asarray(right, order=order))
        np.testing.assert_allclose(found, left @ right.T, rtol=1e-12, atol=1e-12)
    assert is_triangle(right)
    assert not is_triangle(right[:10])
    right[3, 2] = 1e-300
    assert not is_triangle(right)


@pytest.mark.parametrize("threads", [1, 2])
def test_what_is_found_comes_before_all_of_it_is(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.get_num_threads", lambda: threads)
    seen = threading.Event()
    found = in_turn(lambda part: not part or seen.wait(10), range(2))
    assert next(found)
    seen.set()
    assert list(found) == [True]


@pytest.mark.parametrize("order", ["C", "F"])
def test_squared_singular_values(order: Literal["C", "F"]) -> None:
    array = np.asarray(RNG.normal(size=(9, 20)), order=order)
    expected = np.linalg.svd(array, compute_uv=False)[::-1] ** 2
    np.testing.assert_allclose(squared_singular_values(array), expected, rtol=1e-12)
    of_rank_9 = squared_singular_values(array.T)
    assert of_rank_9.shape == (20,)
    np.testing.assert_allclose(of_rank_9, np.r_[np.zeros(11), expected], rtol=1e-12, atol=1e-13 * expected[-1])


def test_cholesky() -> None:
    left = RNG.normal(size=(9, 5))
    square = np.asfortranarray(left.T @ left)
    upper = cholesky(np.asfortranarray(np.triu(square)))
    assert upper is not None
    np.testing.assert_array_equal(upper, np.triu(upper))
    np.testing.assert_allclose(upper.T @ upper, square, rtol=1e-12)
    assert cholesky(square - 1.1 * np.linalg.eigvalsh(square)[-1] * np.eye(5)) is None


def test_blocks_have_all_rows_and_at_least_one_each() -> None:
    assert blocks(7, 2, 6) == [slice(0, 3), slice(3, 6), slice(6, 7)]
    assert blocks(2, 100, 6) == [slice(0, 1), slice(1, 2)]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_spread_finds_what_is_not_finite(value: float) -> None:
    array = np.zeros((50, 3))
    array[41, 1] = value
    with pytest.raises(ValueError, match=r"^real has values that are not finite: leave such samples out\.$"):
        spread("real", array)
