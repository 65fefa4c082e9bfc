"""DiffAugment: Zhao et al. 2020 (arXiv 2006.10738), section 3.3 and the authors' code."""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import Field, field_validator
from torch import Generator, Tensor
from torch.nn.functional import pad

from ganpipe.augmentations import Augmentation, AugmentationState
from ganpipe.schedules import Scheduled

Policy = Literal["colour", "translation", "cutout"]
Share = Annotated[float, Field(ge=0, le=1)]


class DiffAugment(Augmentation):
    """policies: what is done to each image, in this order.

    colour: brightness + U[-.5, .5), then saturation * U[0, 2) about the mean over the channels, then contrast *
    U[.5, 1.5) about the mean of the image, of pixels in [-1, 1]. translation: up to an eighth of the size in whole
    pixels, with 0, a middle grey, where the image has moved away. cutout: a square of half the size, whose centre is
    anywhere in the image, is 0. probability: share of the images that are transformed, the paper's 1; it may be a
    schedule over the steps of the training.
    """

    kind: Literal["diffaugment"]
    policies: Annotated[tuple[Policy, ...], Field(strict=False, min_length=1)]
    probability: Annotated[Share, Scheduled(Share)]

    @field_validator("policies")
    @classmethod
    def _once(cls, value: tuple[Policy, ...]) -> tuple[Policy, ...]:
        if len(set(value)) < len(value):
            raise ValueError("names a policy twice; remove the repeated one")
        return value

    def __call__(self, x: Tensor, rng: Generator, state: AugmentationState) -> Tensor:
        """The policies one after the other, for a share `probability` of the images."""
        made = x
        for policy in self.policies:
            made = POLICIES[policy](made, rng)
        chosen = torch.rand((len(x), 1, 1, 1), generator=rng, device=x.device) < self.probability
        return torch.where(chosen, made, x)


def colour(x: Tensor, rng: Generator) -> Tensor:
    brightness, saturation, contrast = torch.rand((3, len(x), 1, 1, 1), generator=rng, device=x.device)
    x = x + (brightness - 0.5)
    grey = x.mean(1, keepdim=True)
    x = grey + 2 * saturation * (x - grey)
    mean = x.mean((1, 2, 3), keepdim=True)
    made: Tensor = mean + (contrast + 0.5) * (x - mean)
    return made


def translation(x: Tensor, rng: Generator) -> Tensor:
    n, _, *size = x.shape
    most = [int(length / 8 + 0.5) for length in size]
    # where each image begins in the padded one
    begins = [torch.randint(2 * by + 1, (n, 1), generator=rng, device=x.device) for by in most]
    rows, columns = (begin + torch.arange(length, device=x.device) for begin, length in zip(begins, size, strict=True))
    padded = pad(x, (most[1], most[1], most[0], most[0])).movedim(1, -1)
    images = torch.arange(n, device=x.device)[:, None, None]
    return padded[images, rows[:, :, None], columns[:, None, :]].movedim(-1, 1)


def cutout(x: Tensor, rng: Generator) -> Tensor:
    inside = []
    for length in x.shape[2:]:
        side = int(length / 2 + 0.5)
        centre = torch.randint(length + 1 - side % 2, (len(x), 1), generator=rng, device=x.device)
        from_begin = torch.arange(length, device=x.device) - (centre - side // 2)
        inside.append((from_begin >= 0) & (from_begin < side))
    cut = inside[0][:, None, :, None] & inside[1][:, None, None, :]
    return x.masked_fill(cut, 0.0)


POLICIES = {"colour": colour, "translation": translation, "cutout": cutout}
