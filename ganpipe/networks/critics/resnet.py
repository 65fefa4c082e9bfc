"""The residual critic of Miyato et al. 2018, SNGAN (arXiv 1802.05957), table 3, with SAGAN's attention."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from torch import nn

from ganpipe.networks import Shape
from ganpipe.networks._attention import SelfAttention, attention_incompatibility
from ganpipe.networks._blocks import ScalarHead
from ganpipe.networks._images import ImageNetwork
from ganpipe.networks._residual import DownBlock, MeanPool, SumPool, initialise_residual
from ganpipe.networks.critics._scoring import NormalisedCritic, ScoringCritic
from ganpipe.params import LARGEST, Count

HALVINGS = {8: 1, 16: 1, 28: 2, 32: 2, 64: 3}


class ResNetCritic(ImageNetwork, NormalisedCritic, ScoringCritic):
    """Residual blocks of the same width, down to 8 pixels (4 at 8, 7 at 28), then two more, then a sum over positions.

    An energy comes from the mean in place of the sum: a fresh critic's sum is far from 0, on the same side for all
    samples (-265 at 64 pixels), where the softplus of an energy has no gradient and the critic would never learn.
    attention: pixels of the map behind whose first block self-attention stands (Zhang et al. 2018); 0: none.
    """

    kind: Literal["resnet"]
    width: Count
    attention: Annotated[int, Field(ge=0, le=LARGEST)]

    def incompatibility(self, shape: Shape) -> str | None:
        return super().incompatibility(shape) or attention_incompatibility(
            f"the critic {self.kind}", self.attention, _maps(shape[1])
        )

    def build(self, shape: Shape) -> nn.Module:
        maps, layers = _maps(shape[1]), list[nn.Module]()
        attend = maps.index(self.attention) if self.attention else None
        for place in range(len(maps)):
            below, down = self.width if place else shape[0], place < HALVINGS[shape[1]]
            layers += [DownBlock(below, self.width, self.norm, down, first=place == 0)]
            layers += [SelfAttention(self.width)] if place == attend else []
        energy = self.output == "energy"
        pool = MeanPool() if energy else SumPool()
        net = ScalarHead(nn.Sequential(*layers, nn.ReLU(), pool, nn.Linear(self.width, 1)), energy)
        initialise_residual(net)
        return net


def _maps(size: int) -> list[int]:
    """The size of the map behind each block."""
    halvings = HALVINGS[size]
    return [size >> level for level in range(1, halvings + 1)] + [size >> halvings] * 2
