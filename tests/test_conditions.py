"""What a translation starts from: each condition by hand, in range, and back to itself."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from pydantic import ValidationError

from ganpipe.conditions import Condition
from ganpipe.parts import kinds, part_class

EACH: dict[str, dict[str, Any]] = {"downsampled": {"factor": 2}, "silhouette": {"threshold": 0.5}}


def condition(kind: str, **changes: Any) -> Condition:
    part = part_class("ganpipe.conditions", kind).model_validate({"kind": kind, **EACH[kind], **changes})
    assert isinstance(part, Condition)
    return part


def test_every_condition_is_tested_here() -> None:
    assert set(EACH) == set(kinds("ganpipe.conditions"))


@pytest.mark.parametrize("kind", EACH)
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 8, 8), (1, 28, 28), (3, 64, 64)])
def test_a_condition_has_its_shape_and_stays_in_range(kind: str, shape: tuple[int, ...]) -> None:
    one, images = condition(kind), torch.rand((5, *shape), generator=torch.Generator().manual_seed(0)) * 2 - 1
    assert one.incompatibility(shape) is None
    found = one.compute(images)
    assert found.shape == (5, *one.shape(shape))
    assert -1 <= found.min() < found.max() <= 1
    assert torch.equal(one.nearest(found), found)
    # it is of each image by itself, and of nothing else
    assert torch.equal(one.compute(images[2:3]), found[2:3])


def test_downsampled_is_the_mean_of_squares() -> None:
    image = torch.arange(16.0).view(1, 1, 4, 4) / 8 - 1
    expected = torch.tensor([[2.5, 4.5], [10.5, 12.5]]) / 8 - 1
    assert torch.allclose(condition("downsampled").compute(image)[0, 0], expected)
    assert torch.allclose(condition("downsampled", factor=4).compute(image), image.mean().view(1, 1, 1, 1))


def test_downsampled_divides_only_what_can_be_divided() -> None:
    sentence = condition("downsampled", factor=3).incompatibility((1, 8, 8))
    assert sentence == "8x8 pixels cannot be divided by a downsampling factor of 3"
    with pytest.raises(ValidationError, match="greater than or equal to 2"):
        condition("downsampled", factor=1)


def test_a_silhouette_is_where_the_brightest_channel_is_above_the_threshold() -> None:
    black, half, white = -1.0, 0.0, 1.0
    image = torch.tensor([[[[black, white], [half, black]]], [[[half, half], [black, white]]]]).view(1, 2, 2, 2)
    assert condition("silhouette", threshold=0.5).compute(image).tolist() == [[[[-1, 1], [-1, 1]]]]
    assert condition("silhouette", threshold=0.4).compute(image).tolist() == [[[[1, 1], [1, 1]]]]
    made = torch.tensor([[-0.3, 0.2, 0.0]])
    assert condition("silhouette").nearest(made).tolist() == [[-1, 1, -1]]
