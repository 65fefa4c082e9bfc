"""Adaptive discriminator augmentation (ADA): Karras et al. 2020 (arXiv 2006.06676), sections 2 and 3 and appendix B."""

from __future__ import annotations

from functools import reduce
from math import log, pi
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Generator, Tensor
from torch.nn.functional import affine_grid, grid_sample

from ganpipe.augmentations import Augmentation, AugmentationState
from ganpipe.parts import Count


class ADA(Augmentation):
    """Each transformation is applied to an image with probability p, which follows how far the critic overfits.

    target: of r = E sign(D(T(x))) over the real images of `interval` critic steps. It is 0 where the critic cannot tell
    them from generated ones and 1 where it knows them all; after so many steps p goes up where r is above the target,
    else down. images: real images that the critic sees until p has gone from 0 to 1. p stays in [0, 1]; below .8 the
    generator does not learn to make transformed images (section 2.2).

    T is the paper's pixel blitting, geometric and colour transformations with its distributions. Geometry is one affine
    map of the pixels with bilinear interpolation, without the paper's low-pass filter, and edges are mirrored. Hue and
    saturation act on images of three channels alone.
    """

    kind: Literal["ada"]
    target: Annotated[float, Field(gt=-1, lt=1)]
    interval: Count
    images: Count
    reads_sign: ClassVar[bool] = True
    is_deterministic: ClassVar[bool] = False  # grid_sample's

    def initial_state(self, device: torch.device) -> AugmentationState:
        """p = 0, and no step was seen."""
        names = ("augmentation_p", "overfitting", "signs", "updates")
        return {name: torch.zeros((), device=device) for name in names}

    def next_state(self, state: AugmentationState, real_score: Tensor, images: int) -> AugmentationState:
        """p + sign(r - target) * interval * images / self.images after each `interval` steps, kept in [0, 1]."""
        signs, updates = state["signs"] + real_score.detach().sign().mean(), state["updates"] + 1
        due = updates >= self.interval
        r = torch.where(due, signs / self.interval, state["overfitting"])
        change = torch.sign(r - self.target) * (self.interval * images / self.images)
        p = torch.where(due, (state["augmentation_p"] + change).clamp(0, 1), state["augmentation_p"])
        left = [value.masked_fill(due, 0.0) for value in (signs, updates)]
        return {"augmentation_p": p, "overfitting": r, "signs": left[0], "updates": left[1]}

    def metrics(self, state: AugmentationState) -> dict[str, Tensor]:
        """p, and the r that it followed last."""
        return {name: state[name] for name in ("augmentation_p", "overfitting")}

    def __call__(self, x: Tensor, rng: Generator, state: AugmentationState) -> Tensor:
        """Geometry, then colour."""
        draw = Draw(len(x), state["augmentation_p"], rng)
        grid = affine_grid(inverse_map(draw, x.shape[-1])[:, :2], list(x.shape), align_corners=False)
        moved = grid_sample(x, grid, padding_mode="reflection", align_corners=False)
        return coloured(moved, draw)


class Draw:
    """Random numbers of n images, each neutral but with probability p."""

    def __init__(self, n: int, p: Tensor, rng: Generator) -> None:
        self.n, self.p, self.rng = n, p, rng

    def uniform(self, low: float, high: float, columns: int = 1) -> Tensor:
        """U[low, high): (n, columns)."""
        return low + (high - low) * torch.rand((self.n, columns), generator=self.rng, device=self.rng.device)

    def normal(self, std: float, columns: int = 1) -> Tensor:
        """N(0, std^2): (n, columns)."""
        return std * torch.randn((self.n, columns), generator=self.rng, device=self.rng.device)

    def maybe(self, value: Tensor, neutral: float = 0.0, p: Tensor | None = None) -> tuple[Tensor, ...]:
        """The columns (n,) of the values, all neutral in those images that are left alone."""
        chosen = self.uniform(0, 1) < (self.p if p is None else p)
        return value.where(chosen, neutral).unbind(1)


def inverse_map(draw: Draw, size: int) -> Tensor:
    """Where each pixel of T(x) is taken from: (n, 3, 3), of homogeneous coordinates in [-1, 1] from edge to edge."""
    (flip,) = draw.maybe(draw.uniform(0, 2).floor())
    (quarter,) = draw.maybe(draw.uniform(0, 4).floor())
    whole = draw.maybe((size * draw.uniform(-0.125, 0.125, 2)).round() * 2 / size)
    (scale,) = draw.maybe((log(2) * draw.normal(0.2)).exp(), 1.0)
    p_rotation = 1 - (1 - draw.p).sqrt()  # of two, so that one of them is there with p
    (before,) = draw.maybe(draw.uniform(-pi, pi), p=p_rotation)
    (stretch,) = draw.maybe((log(2) * draw.normal(0.2)).exp(), 1.0)
    (after,) = draw.maybe(draw.uniform(-pi, pi), p=p_rotation)
    fraction = draw.maybe(2 * draw.normal(0.125, 2))
    one, zero = torch.ones_like(flip), torch.zeros_like(flip)

    def scaling(x: Tensor, y: Tensor) -> tuple[Tensor, ...]:
        return (x, zero, zero, zero, y, zero)

    def rotation(angle: Tensor) -> tuple[Tensor, ...]:
        cos, sin = angle.cos(), angle.sin()
        return (cos, -sin, zero, sin, cos, zero)

    def translation(x: Tensor, y: Tensor) -> tuple[Tensor, ...]:
        return (one, zero, x, zero, one, y)

    maps = (
        scaling(1 - 2 * flip, one),
        rotation(quarter * (pi / 2)),
        translation(*whole),
        scaling(scale, scale),
        rotation(before),
        scaling(stretch, 1 / stretch),
        rotation(after),
        translation(*fraction),
    )
    rows = torch.stack([entry for upper in maps for entry in (*upper, zero, zero, one)], 1)
    return reduce(torch.matmul, rows.view(-1, len(maps), 3, 3).unbind(1))


def coloured(x: Tensor, draw: Draw) -> Tensor:
    """Brightness, contrast, flip of the luma, hue and saturation of images (n, C, H, W).

    The luma axis is (1, ..., 1): the mean over the channels is what lies on it, and the rest is turned and scaled.
    """
    brightness, contrast, flip, hue, saturation = (
        column[0][:, None, None, None]
        for column in (
            draw.maybe(draw.normal(0.2)),
            draw.maybe((log(2) * draw.normal(0.5)).exp(), 1.0),
            draw.maybe(draw.uniform(0, 2).floor()),
            draw.maybe(draw.uniform(-pi, pi)),
            draw.maybe((log(2) * draw.normal(1.0)).exp(), 1.0),
        )
    )
    luma = x.mean(1, keepdim=True)
    rest = x - luma
    if x.shape[1] == 3:  # Rodrigues: the cross product with the axis is at right angles to both
        across = (rest.roll(1, 1) - rest.roll(-1, 1)) / 3**0.5
        rest = hue.cos() * rest + hue.sin() * across
    return contrast * ((1 - 2 * flip) * (luma + brightness) + saturation * rest)
