"""The residual critic of Miyato et al. 2018, SNGAN (arXiv 1802.05957), table 3, with SAGAN's attention."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field
from torch import nn

from ganpipe.networks import Shape
from ganpipe.networks._attention import SelfAttention, attention_incompatibility
from ganpipe.networks._blocks import ScalarHead
from ganpipe.networks._images import ImageNetwork
from ganpipe.networks._residual import DownBlock, MeanPool, SumPool, init_residual_weights
from ganpipe.networks.critics._scoring import NormalisedCritic, ScoringCritic
from ganpipe.parts import LARGEST, Count

HALVINGS = {8: 1, 16: 1, 28: 2, 32: 2, 64: 3}


class ResNetCritic(ImageNetwork, NormalisedCritic, ScoringCritic):
    """Residual blocks of the same width, down to 8 pixels (4 at 8, 7 at 28), then two more, then a sum over positions.

    For an energy the mean takes the place of the sum: the sum of an untrained critic may be far below 0 for all samples
    (-265 at 64 pixels), where the softplus of an energy has no gradient and the critic would never learn.
    attention: the size in pixels of the feature map that gets self-attention (Zhang et al. 2018), at its first block;
    0: none.
    """

    kind: Literal["resnet"]
    width: Count
    attention: Annotated[int, Field(ge=0, le=LARGEST)]
    has_linear_head: ClassVar[bool] = True

    def incompatibility(self, shape: Shape) -> str | None:
        return super().incompatibility(shape) or attention_incompatibility(
            f"the critic {self.kind}", self.attention, _maps(shape[1])
        )

    def build(self, shape: Shape) -> nn.Module:
        maps, layers = _maps(shape[1]), list[nn.Module]()
        attention_at = maps.index(self.attention) if self.attention else None
        for i in range(len(maps)):
            in_channels, down = self.width if i else shape[0], i < HALVINGS[shape[1]]
            layers += [DownBlock(in_channels, self.width, self.norm, down, first=i == 0)]
            layers += [SelfAttention(self.width)] if i == attention_at else []
        energy = self.output == "energy"
        pool = MeanPool() if energy else SumPool()
        net = ScalarHead(nn.Sequential(*layers, nn.ReLU(), pool, nn.Linear(self.width, 1)), energy)
        init_residual_weights(net)
        return net


def _maps(size: int) -> list[int]:
    """The size of the feature map after each block."""
    halvings = HALVINGS[size]
    return [size >> level for level in range(1, halvings + 1)] + [size >> halvings] * 2
