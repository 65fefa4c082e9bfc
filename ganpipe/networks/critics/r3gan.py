"""The critic of R3GAN: Huang et al. 2024 (arXiv 2501.05441)."""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import nn

from ganpipe.networks import Shape
from ganpipe.networks._blocks import ScalarHead
from ganpipe.networks._r3gan import Halve, R3GANNetwork, init_fixup_weights, sizes
from ganpipe.networks.critics._scoring import ScoringCritic


class R3GANCritic(R3GANNetwork, ScoringCritic):
    """The generator's mirror image: 1x1, residual blocks and bilinear reduction, one 4x4 filter a channel, linear."""

    kind: Literal["r3gan"]
    has_linear_head: ClassVar[bool] = True

    def build(self, shape: Shape) -> nn.Module:
        *rest, last = self.stages(shape[1])
        layers: list[nn.Module] = [nn.Conv2d(shape[0], self.width, 1, bias=False)]
        for blocks in rest:
            layers += [*blocks, Halve()]
        layers += [*last, nn.Conv2d(self.width, self.width, sizes(shape[1])[0], groups=self.width, bias=False)]
        body = nn.Sequential(*layers, nn.Flatten(), nn.Linear(self.width, 1, bias=False))
        init_fixup_weights(body)
        return ScalarHead(body, self.output == "energy")
