"""A mask of the bright pixels, as a segmentation of the object (FashionGAN, Zhu et al. 2017, arXiv 1710.07346)."""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from ganpipe.conditions import Condition, Shape


class Silhouette(Condition):
    """1 where the brightest channel is above the threshold (0 black, 1 white), -1 elsewhere; one channel."""

    kind: Literal["silhouette"]
    threshold: Annotated[float, Field(ge=0, lt=1)]

    def shape(self, shape: Shape) -> Shape:
        return (1, *shape[1:])

    def compute(self, images: Tensor) -> Tensor:
        above = images.amax(1, keepdim=True) > 2 * self.threshold - 1
        return above.to(images.dtype) * 2 - 1

    def nearest(self, x: Tensor) -> Tensor:
        return torch.where(x > 0, 1.0, -1.0)
