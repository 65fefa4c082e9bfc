"""Real samples: what a pass is, the way between data and networks, and how samples are packed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from training_cases import CPU

from ganpipe.batches import Batches, DataTransform, pack_samples


def numbered(n: int) -> np.ndarray:
    """n points, each of which is its own number."""
    return np.stack([np.arange(n), -np.arange(n)], axis=1).astype(np.float32)


def drawn(n: int, batch: int, batches: int, seed: int = 0, purpose: str = "order") -> list[int]:
    source = Batches(numbered(n), batch, DataTransform("points", 1.0), seed, purpose, CPU)
    out = []
    for _ in range(batches):
        now = next(source).x
        assert now.shape == (batch, 2)
        assert torch.equal(now[:, 0], -now[:, 1])
        out += now[:, 0].int().tolist()
    return out


@pytest.mark.parametrize(("n", "batch"), [(10, 4), (10, 5), (10, 10), (7, 3), (3, 8), (1, 4), (5, 23)])
def test_each_sample_comes_once_in_a_pass(n: int, batch: int) -> None:
    order = drawn(n, batch, 4 * n)
    passes = [order[i : i + n] for i in range(0, len(order) - n + 1, n)]
    assert len(passes) >= 4
    assert all(sorted(one) == list(range(n)) for one in passes)
    if n > 3:
        assert len({tuple(one) for one in passes}) > 1  # shuffled anew


def test_order_is_the_seeds_and_the_purposes() -> None:
    first = drawn(20, 5, 8)
    torch.manual_seed(3)
    assert drawn(20, 5, 8) == first
    assert drawn(20, 5, 8, seed=1) != first
    assert drawn(20, 5, 8, purpose="pretrain") != first
    assert drawn(20, 4, 10) == first  # and does not depend on the size of the batches


def test_images_go_to_one_around_zero_and_back() -> None:
    space = DataTransform("images", 1.0)
    every = torch.arange(256, dtype=torch.uint8).view(-1, 1, 16, 16)
    x = space.to_model(every)
    assert x.dtype == torch.float32
    assert (x.min().item(), x.max().item()) == (-1, 1)
    assert space.to_data(x).dtype == torch.uint8
    assert torch.equal(space.to_data(x), every)


def test_images_are_rounded_and_clamped() -> None:
    space = DataTransform("images", 1.0)
    x = torch.tensor([-7.0, -1.0, 100.4 / 127.5 - 1, 100.6 / 127.5 - 1, 1.0, 1.01, 9.0])
    assert space.to_data(x).tolist() == [0, 0, 100, 101, 255, 255, 255]
    assert space.to_data(x.bfloat16()).dtype == torch.uint8


def test_points_are_divided_by_their_scale_and_multiplied_again() -> None:
    space = DataTransform("points", 4.0)
    x = torch.tensor([[8.0, -2.0]])
    assert space.to_model(x).tolist() == [[2.0, -0.5]]
    assert torch.equal(space.to_data(space.to_model(x)), x)
    assert space.to_data(x.bfloat16()).dtype == torch.float32


def test_batches_are_in_the_networks_space() -> None:
    images = np.full((3, 1, 2, 2), 255, np.uint8)
    assert torch.equal(
        next(Batches(images, 2, DataTransform("images", 1.0), 0, "order", CPU)).x, torch.ones(2, 1, 2, 2)
    )
    points = next(Batches(numbered(1) + 6, 2, DataTransform("points", 3.0), 0, "order", CPU)).x
    assert points.tolist() == [[2.0, 2.0]] * 2


@pytest.mark.parametrize("shape", [(2,), (1, 4, 4), (3, 4, 4)])
@pytest.mark.parametrize("m", [1, 2, 3])
def test_a_pack_is_neighbours_joined_on_the_channel_axis(shape: tuple[int, ...], m: int) -> None:
    x = torch.randn(6, *shape, generator=torch.Generator().manual_seed(0))
    found = pack_samples(x, m)
    assert found.shape == (6 // m, m * shape[0], *shape[1:])
    for i in range(6 // m):
        assert torch.equal(found[i], torch.cat([x[i * m + j] for j in range(m)], dim=0))


def test_labels_belong_to_their_samples() -> None:
    labels = np.arange(10, dtype=np.int64) % 3
    source = Batches(numbered(10), 4, DataTransform("points", 1.0), 0, "order", CPU, labels)
    for _ in range(5):
        batch = next(source)
        assert batch.y is not None
        assert torch.equal(batch.y, batch.x[:, 0].long() % 3)
    assert next(Batches(numbered(10), 4, DataTransform("points", 1.0), 0, "order", CPU)).y is None
