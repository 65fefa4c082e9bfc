"""The image at a lower resolution (Zhang et al. 2017, StackGAN, arXiv 1612.03242, stage I)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor
from torch.nn.functional import avg_pool2d

from ganpipe.conditions import Condition, Shape
from ganpipe.parts import LARGEST


class Downsampled(Condition):
    """factor: each pixel is the mean of a square of factor x factor pixels."""

    kind: Literal["downsampled"]
    factor: Annotated[int, Field(ge=2, le=LARGEST)]

    def incompatibility(self, shape: Shape) -> str | None:
        if shape[1] % self.factor or shape[2] % self.factor:
            return f"{shape[1]}x{shape[2]} pixels cannot be divided by a downsampling factor of {self.factor}"
        return None

    def shape(self, shape: Shape) -> Shape:
        return (shape[0], shape[1] // self.factor, shape[2] // self.factor)

    def compute(self, images: Tensor) -> Tensor:
        return avg_pool2d(images, self.factor)
