"""Augmentations by hand: what each transformation does to an image, how often, and what follows p."""

from __future__ import annotations

from math import pi
from typing import Any

import pytest
import torch
from parts_in_use import part_in_use
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample, pad

from ganpipe.augmentations.ada import ADA, Draw, coloured, inverse_map
from ganpipe.augmentations.diffaugment import DiffAugment
from ganpipe.schedules import at

PACKAGE = "ganpipe.augmentations"
KINDS = ("diffaugment", "ada")


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(n: int, channels: int = 1, size: int = 8) -> Tensor:
    return 2 * torch.rand((n, channels, size, size), generator=rng(1)) - 1


def count_up() -> Tensor:
    """One image whose pixels are 1 to 64."""
    return torch.arange(1.0, 65.0).view(1, 1, 8, 8)


def diff(*policies: str, probability: Any = 1.0) -> DiffAugment:
    return DiffAugment.model_validate({"kind": "diffaugment", "policies": policies, "probability": probability})


def test_translations_are_those_by_hand() -> None:
    x = count_up()
    moved = [pad(x, (1, 1, 1, 1))[..., i : i + 8, j : j + 8] for i in range(3) for j in range(3)]
    made = diff("translation")(x.repeat(300, 1, 1, 1), rng(), {})
    found = [sum(torch.equal(one, hand[0]) for one in made) for hand in moved]
    assert sum(found) == 300
    assert min(found) > 15


def test_cutouts_are_squares_of_half_the_size_about_any_centre() -> None:
    x = count_up()
    rows, columns = set(), set()
    for one in diff("cutout")(x.repeat(400, 1, 1, 1), rng(), {}):
        cut = one[0] == 0
        row, column = cut.any(1), cut.any(0)
        assert torch.equal(cut, row[:, None] & column)
        assert torch.equal(one[0][~cut], x[0, 0][~cut])
        rows.add(tuple(row.nonzero()[:, 0].tolist()))
        columns.add(tuple(column.nonzero()[:, 0].tolist()))
    assert rows == columns == {tuple(range(max(0, begin), min(8, begin + 4))) for begin in range(-2, 7)}


def test_colours_change_as_the_paper_says() -> None:
    x = images(200, 3)
    made = diff("colour")(x, rng(), {})
    grey, made_grey = x.mean(1, keepdim=True), made.mean(1, keepdim=True)
    mean, made_mean = (one.mean((1, 2, 3), keepdim=True) for one in (x, made))
    brightness, contrast = made_mean - mean, (made_grey - made_mean) / (grey - mean)
    assert torch.allclose(contrast, contrast[:, :, :1, :1].expand_as(contrast), atol=1e-3)
    both = (made - made_grey).norm(dim=1) / (x - grey).norm(dim=1)  # contrast * saturation
    for share, low, high in ((brightness, -0.5, 0.5), (contrast, 0.5, 1.5), (both[:, None] / contrast, 0.0, 2.0)):
        of_image = share.mean((1, 2, 3))
        assert low - 1e-3 <= of_image.min() < low + 0.1 * (high - low)
        assert high - 0.1 * (high - low) < of_image.max() <= high + 1e-3


def test_a_share_of_the_images_is_transformed_and_may_follow_a_schedule() -> None:
    x = images(2000)
    assert torch.equal(diff("colour", "cutout", probability=0.0)(x, rng(), {}), x)
    falling = diff("colour", probability={"kind": "linear", "start": 1.0, "end": 0.0, "until": 1.0})
    made = at(falling, 0.75)(x, rng(), {})
    assert (made != x).any((1, 2, 3)).float().mean().item() == pytest.approx(0.25, abs=0.03)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_gradients_flow_to_every_image_and_images_keep_their_form(kind: str, channels: int) -> None:
    part, x = part_in_use(PACKAGE, kind), images(50, channels).requires_grad_(True)
    state = part.initial_state(torch.device("cpu")) | {"augmentation_p": torch.tensor(0.8)}
    made = part(x, rng(), state)
    made.square().sum().backward()
    assert made.shape == x.shape
    assert x.grad is not None
    assert bool(x.grad.isfinite().all())
    assert bool((x.grad.flatten(1).norm(dim=1) > 0).all())


@pytest.mark.parametrize("channels", [1, 3])
def test_ada_is_the_identity_at_p_0(channels: int) -> None:
    ada, x = part_in_use(PACKAGE, "ada"), images(50, channels)
    torch.testing.assert_close(ada(x, rng(), ada.initial_state(torch.device("cpu"))), x, rtol=0, atol=1e-5)


class Only(Draw):
    """One kind of transformation, by its place in the order of the draws; with these values, or with p as drawn."""

    def __init__(self, n: int, place: int, values: tuple[float, ...] | None = None, p: float = 1.0) -> None:
        super().__init__(n, torch.tensor(p), rng())
        self.place, self.values, self.count = place, values, -1

    def maybe(self, value: Tensor, neutral: float = 0.0, p: Tensor | None = None) -> tuple[Tensor, ...]:
        self.count += 1
        if self.count != self.place:
            return torch.full_like(value, neutral).unbind(1)
        if self.values is None:
            return super().maybe(value, neutral, p)
        return torch.tensor(self.values).expand_as(value).unbind(1)


def moved(x: Tensor, draw: Draw) -> Tensor:
    grid = affine_grid(inverse_map(draw, x.shape[-1])[:, :2], list(x.shape), align_corners=False)
    return grid_sample(x, grid, padding_mode="reflection", align_corners=False)


def test_geometry_by_hand() -> None:
    x = count_up()
    by_hand = {
        "flip": (0, (1.0,), x.flip(-1)),
        "quarter turn": (1, (1.0,), x.rot90(1, (2, 3))),
        "turn by an angle": (4, (-pi / 2,), x.rot90(-1, (2, 3))),
        # to the left and up by a pixel, with the mirrored edge
        "whole pixels": (2, (2 / 8, 2 / 8), pad(x, (0, 1, 0, 1), mode="replicate")[..., 1:, 1:]),
    }
    for name, (place, values, expected) in by_hand.items():
        torch.testing.assert_close(moved(x, Only(1, place, values)), expected, rtol=0, atol=1e-3, msg=name)
    # pixel i of half the size is halfway between 2i and 2i + 1, from the middle on
    middle = moved(x, Only(1, 3, (2.0,)))[0, 0, 4, 2:6]
    torch.testing.assert_close(middle, x[0, 0, 4:6].mean(0).view(4, 2).mean(1))


def test_colours_of_ada_by_hand() -> None:
    x = images(1, 3)
    grey = x.mean(1, keepdim=True)
    by_hand = {
        "brightness": (0, 0.3, x + 0.3),
        "contrast": (1, 2.0, 2 * x),
        "flip of the luma": (2, 1.0, x - 2 * grey),
        "a third of the hues": (3, 2 * pi / 3, x.roll(1, 1)),
        "no saturation": (4, 0.0, grey.expand_as(x)),
    }
    for name, (place, value, expected) in by_hand.items():
        torch.testing.assert_close(coloured(x, Only(1, place, (value,))), expected, rtol=0, atol=1e-5, msg=name)
    inverted = coloured(x[:, :1], Only(1, 2, (1.0,)))
    torch.testing.assert_close(inverted, -x[:, :1])


def test_what_is_upright_can_be_told_while_p_is_below_1() -> None:
    """Quarter turns mix the four ways by (1 - p) I + p / 4: invertible but for p = 1, so generated images can only have
    the real ones' distribution where transformed ones have."""
    x = torch.zeros(4000, 1, 8, 8)
    x[..., 0, 0] = 1
    shares = {}
    for p in (0.8, 1.0):
        corners = moved(x, Only(4000, 1, p=p))[..., ::7, ::7].flatten(1)
        shares[p] = corners.mean(0)
    torch.testing.assert_close(shares[0.8], torch.tensor([0.4, 0.2, 0.2, 0.2]), rtol=0, atol=0.03)
    torch.testing.assert_close(shares[1.0], torch.full((4,), 0.25), rtol=0, atol=0.03)


def test_a_transformation_is_there_with_p_and_a_rotation_too() -> None:
    for place, share in ((3, 0.6), (4, 1 - 0.4**0.5), (6, 1 - 0.4**0.5)):
        maps = inverse_map(Only(4000, place, p=0.6), 8)
        changed = (maps - torch.eye(3)).abs().amax((1, 2)) > 1e-6
        assert changed.float().mean().item() == pytest.approx(share, abs=0.03)


def test_p_by_hand() -> None:
    ada = ADA(kind="ada", target=0.6, interval=2, images=100)
    state, seen = ada.initial_state(torch.device("cpu")), []
    up, both = torch.full((10,), 3.0), torch.tensor([1.0, -1.0]).repeat(5)
    for score in (up, up, up, up, up, both, both, both, both, both):
        state = ada.next_state(state, score, 10)
        seen.append([round(value.item(), 6) for value in ada.metrics(state).values()])
    # after two steps of 10 images p moves by 20 / 100; r = .5 and 0 are below the target
    assert [p for p, _ in seen] == [0, 0.2, 0.2, 0.4, 0.4, 0.2, 0.2, 0, 0, 0]
    assert [r for _, r in seen] == [0, 1, 1, 1, 1, 0.5, 0.5, 0, 0, 0]
    for _ in range(2 * 6):
        state = ada.next_state(state, up, 10)
    assert state["augmentation_p"].item() == 1.0


def test_policies_are_named_once() -> None:
    with pytest.raises(ValueError, match="names a policy twice; remove the repeated one"):
        diff("colour", "colour")
