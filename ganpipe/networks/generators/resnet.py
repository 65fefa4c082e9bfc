"""The residual generator of Miyato et al. 2018, SNGAN (arXiv 1802.05957), table 3, with SAGAN's attention."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from torch import nn

from ganpipe.networks import GeneratorNetwork, Shape
from ganpipe.networks._attention import SelfAttention, attention_incompatibility
from ganpipe.networks._blocks import Norm, norm_2d, num_downsamplings
from ganpipe.networks._images import ImageNetwork
from ganpipe.networks._residual import UpBlock, init_residual_weights
from ganpipe.parts import LARGEST, Count


class ResNetGenerator(ImageNetwork, GeneratorNetwork):
    """Upsampling residual blocks from 4 pixels (2 at 8, 7 at 28), all of the same width.

    attention: the size in pixels of the feature map that gets self-attention (Zhang et al. 2018); 0: none.
    """

    kind: Literal["resnet"]
    width: Count
    norm: Norm
    attention: Annotated[int, Field(ge=0, le=LARGEST)]

    def incompatibility(self, shape: Shape) -> str | None:
        return super().incompatibility(shape) or attention_incompatibility(
            f"the generator {self.kind}", self.attention, _maps(shape[1])
        )

    def build(self, latent: int, shape: Shape) -> nn.Module:
        base = shape[1] >> num_downsamplings(shape[1])
        layers: list[nn.Module] = [nn.Linear(latent, self.width * base**2), nn.Unflatten(1, (self.width, base, base))]
        for size in _maps(shape[1]):
            layers += [UpBlock(self.width, self.norm)]
            layers += [SelfAttention(self.width)] if size == self.attention else []
        layers += [*norm_2d(self.norm, self.width), nn.ReLU(), nn.Conv2d(self.width, shape[0], 3, padding=1), nn.Tanh()]
        net = nn.Sequential(*layers)
        init_residual_weights(net)
        return net


def _maps(size: int) -> list[int]:
    """The size of the feature map after each block."""
    return [size >> level for level in reversed(range(num_downsamplings(size)))]
