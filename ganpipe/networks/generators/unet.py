"""U-Net: Ronneberger et al. 2015 (arXiv 1505.04597); the generator of pix2pix, Isola et al. 2017 (arXiv 1611.07004)."""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from ganpipe.networks import GeneratorNetwork, Shape
from ganpipe.networks._blocks import Norm, init_weights, norm_2d, num_downsamplings
from ganpipe.networks._images import ImageNetwork
from ganpipe.parts import Count


class _UNet(nn.Module):
    """Strided convolutions down to the smallest map, where the noise joins as channels, and as many back up.

    Each layer on the way up also gets the map of its size from the way down (skip connections). The first layer has no
    norm (appendix 6.1.1 of pix2pix).
    """

    def __init__(self, noise: int, condition_channels: int, shape: Shape, width: int, norm: Norm) -> None:
        super().__init__()
        depth = num_downsamplings(shape[1])
        self._size = shape[1:]
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for level in range(depth):
            above = width << (level - 1) if level else condition_channels
            layers: list[nn.Module] = [nn.Conv2d(above, width << level, 4, stride=2, padding=1)]
            layers += norm_2d(norm, width << level) if level else []
            self.down.append(nn.Sequential(*layers, nn.LeakyReLU(0.2)))
        for level in reversed(range(depth)):
            # the skip connection; at the smallest size the noise takes its place
            skip = noise if level == depth - 1 else width << level
            out_channels = max(width << (level - 1), width) if level else width
            layers = [nn.ConvTranspose2d((width << level) + skip, out_channels, 4, stride=2, padding=1)]
            self.up.append(nn.Sequential(*layers, *norm_2d(norm, out_channels), nn.ReLU()))
        self.out = nn.Sequential(nn.Conv2d(width + condition_channels, shape[0], 3, padding=1), nn.Tanh())

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        x = condition = interpolate(condition, size=self._size)
        maps = []
        for layer in self.down:
            x = layer(x)
            maps.append(x)
        skip = z[:, :, None, None].expand(-1, -1, *x.shape[2:])
        for layer in self.up:
            x = layer(torch.cat([x, skip], 1))
            maps.pop()
            skip = maps[-1] if maps else condition
        image: Tensor = self.out(torch.cat([x, skip], 1))
        return image


class UNetGenerator(ImageNetwork, GeneratorNetwork):
    """width: channels after the first halving, doubled at each halving. It maps a condition and noise to an image."""

    kind: Literal["unet"]
    width: Count
    norm: Norm
    requires_algorithm: ClassVar[str | None] = "pix2pix"

    def build_translator(self, noise: int, condition_shape: Shape, shape: Shape) -> nn.Module:
        net = _UNet(noise, condition_shape[0], shape, self.width, self.norm)
        init_weights(net, self.norm)
        return net
