"""The generator of progressive growing: Karras et al. 2018 (arXiv 1710.10196), table 2, at 8 to 64 pixels."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from ganpipe.networks import GeneratorNetwork, Shape
from ganpipe.networks._growing import PixelNorm, ProgressiveModule, equalized_lr, repeated, sizes_of
from ganpipe.networks._images import ImageNetwork
from ganpipe.parts import Count


class _Generator(ProgressiveModule):
    def __init__(self, latent: int, width: int, shape: Shape) -> None:
        super().__init__(sizes_of(shape[1]))
        base = self.sizes[0]

        def convolution() -> list[nn.Module]:
            return [equalized_lr(nn.Conv2d(width, width, 3, padding=1)), nn.LeakyReLU(0.2), PixelNorm()]

        self.first = nn.Sequential(
            PixelNorm(),
            equalized_lr(nn.Linear(latent, width * base**2)),
            nn.Unflatten(1, (width, base, base)),
            nn.LeakyReLU(0.2),
            PixelNorm(),
            *convolution(),
        )
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Upsample(scale_factor=2.0), *convolution(), *convolution()) for _ in self.sizes[1:]
        )
        self.to_image = nn.ModuleList(
            # the paper's last layer is linear; here a generator's images are in [-1, 1]
            nn.Sequential(equalized_lr(nn.Conv2d(width, shape[0], 1), gain=1.0), nn.Tanh())
            for _ in self.sizes
        )

    def forward(self, z: Tensor) -> Tensor:
        x = below = self.first(z)
        for block in list(self.blocks)[: self.level]:
            below, x = x, block(x)
        image: Tensor = self.to_image[self.level](x)
        if self.alpha < 1:
            image = torch.lerp(repeated(self.to_image[self.level - 1](below), 2), image, self.alpha)
        return repeated(image, self.downscale)


class ProgressiveGenerator(ImageNetwork, GeneratorNetwork):
    """Blocks of nearest-neighbour upsampling and two convolutions from 4 pixels (7 at 28), all of the same width.

    Equalized learning rate, and pixel norm after each convolution.
    """

    kind: Literal["progressive"]
    width: Count

    def build(self, latent: int, shape: Shape) -> nn.Module:
        return _Generator(latent, self.width, shape)
