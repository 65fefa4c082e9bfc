"""The generator of R3GAN: Huang et al. 2024 (arXiv 2501.05441)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from ganpipe.networks import GeneratorNetwork, Shape
from ganpipe.networks._r3gan import Double, R3GANNetwork, init_fixup_weights, sizes


class R3GANGenerator(R3GANNetwork, GeneratorNetwork):
    """A learned map of 4x4 pixels, modulated by the latent, grown by bilinear interpolation between residual blocks.

    The authors' network ends in a 1x1 convolution; here a tanh follows it, as images are in [-1, 1].
    """

    kind: Literal["r3gan"]

    def build(self, latent: int, shape: Shape) -> nn.Module:
        first, *rest = self.stages(shape[1])
        layers = [ModulatedBase(latent, self.width, sizes(shape[1])[0]), *first]
        for blocks in rest:
            layers += [Double(), *blocks]
        net = nn.Sequential(*layers, nn.Conv2d(self.width, shape[0], 1, bias=False), nn.Tanh())
        init_fixup_weights(net)
        return net


class ModulatedBase(nn.Module):
    """(N, latent) -> (N, width, size, size): a learned map, each channel of it times a number linear in the latent."""

    def __init__(self, latent: int, width: int, size: int) -> None:
        super().__init__()
        self.base = nn.Parameter(torch.randn(width, size, size))
        self.modulation = nn.Linear(latent, width, bias=False)

    def forward(self, z: Tensor) -> Tensor:
        factors: Tensor = self.modulation(z)
        return self.base * factors[:, :, None, None]
