"""The critic of progressive growing: Karras et al. 2018 (arXiv 1710.10196), table 2, at 8 to 64 pixels."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from ganpipe.networks import Shape
from ganpipe.networks._blocks import ScalarHead
from ganpipe.networks._growing import MinibatchStdDev, ProgressiveModule, equalized_lr, pooled, sizes_of
from ganpipe.networks._images import ImageNetwork
from ganpipe.networks.critics._scoring import ScoringCritic
from ganpipe.parts import Count


class _Critic(ProgressiveModule):
    def __init__(self, width: int, shape: Shape, minibatch_stddev: bool) -> None:
        super().__init__(sizes_of(shape[1]))
        base = self.sizes[0]

        def convolution(in_channels: int) -> list[nn.Module]:
            return [equalized_lr(nn.Conv2d(in_channels, width, 3, padding=1)), nn.LeakyReLU(0.2)]

        self.from_image = nn.ModuleList(
            nn.Sequential(equalized_lr(nn.Conv2d(shape[0], width, 1)), nn.LeakyReLU(0.2)) for _ in self.sizes
        )
        self.blocks = nn.ModuleList(
            nn.Sequential(*convolution(width), *convolution(width), nn.AvgPool2d(2)) for _ in self.sizes[1:]
        )
        self.last = nn.Sequential(
            *([MinibatchStdDev()] if minibatch_stddev else []),
            *convolution(width + minibatch_stddev),
            nn.Flatten(),
            equalized_lr(nn.Linear(width * base**2, width)),
            nn.LeakyReLU(0.2),
            equalized_lr(nn.Linear(width, 1), gain=1.0),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = pooled(x, self.downscale)
        y = self.from_image[self.level](x)
        for level in reversed(range(self.level)):
            y = self.blocks[level](y)
            if level == self.level - 1 and self.alpha < 1:
                y = torch.lerp(self.from_image[level](pooled(x, 2)), y, self.alpha)
        result: Tensor = self.last(y)
        return result


class ProgressiveCritic(ImageNetwork, ScoringCritic):
    """Blocks of two convolutions and average pooling down to 4 pixels (7 at 28), all of the same width.

    Equalized learning rate. minibatch_stddev: one more feature map before the last block, the standard deviation over
    the batch, so that the critic sees a lack of variety; one sample's score then depends on the others.
    """

    kind: Literal["progressive"]
    width: Count
    minibatch_stddev: bool

    @property
    def uses_batch_stats(self) -> bool:
        return self.minibatch_stddev

    @property
    def batch_stats_layer(self) -> tuple[str, str]:
        return "the minibatch standard deviation", "`critic.minibatch_stddev: false`"

    def build(self, shape: Shape) -> nn.Module:
        return ScalarHead(_Critic(self.width, shape, self.minibatch_stddev), self.output == "energy")
