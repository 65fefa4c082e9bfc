"""Ronneberger et al. 2015, U-Net (arXiv 1505.04597), as the generator of a translation (Isola et al. 2017)."""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from ganpipe.networks import GeneratorNetwork, Shape
from ganpipe.networks._blocks import Norm, initialise, norm_2d, num_downsamplings
from ganpipe.networks._images import ImageNetwork
from ganpipe.params import Count


class _UNet(nn.Module):
    """Halvings down to the smallest map, where the noise joins as channels, and as many doublings back up.

    Each doubling also sees the map of its size from the way down.
    """

    def __init__(self, noise: int, given: int, shape: Shape, width: int, norm: Norm) -> None:
        super().__init__()
        depth = num_downsamplings(shape[1])
        self._size = shape[1:]
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for level in range(depth):
            above = width << (level - 1) if level else given
            layers: list[nn.Module] = [nn.Conv2d(above, width << level, 4, stride=2, padding=1)]
            self.down.append(nn.Sequential(*layers, *norm_2d(norm, width << level), nn.LeakyReLU(0.2)))
        for level in reversed(range(depth)):
            # the map from below, and from the way down: at the smallest size it is the noise instead
            beside = noise if level == depth - 1 else width << level
            below = max(width << (level - 1), width) if level else width
            layers = [nn.ConvTranspose2d((width << level) + beside, below, 4, stride=2, padding=1)]
            self.up.append(nn.Sequential(*layers, *norm_2d(norm, below), nn.ReLU()))
        self.out = nn.Sequential(nn.Conv2d(width + given, shape[0], 3, padding=1), nn.Tanh())

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        x = condition = interpolate(condition, size=self._size)
        maps = []
        for halving in self.down:
            x = halving(x)
            maps.append(x)
        beside = z[:, :, None, None].expand(-1, -1, *x.shape[2:])
        for doubling in self.up:
            x = doubling(torch.cat([x, beside], 1))
            maps.pop()
            beside = maps[-1] if maps else condition
        image: Tensor = self.out(torch.cat([x, beside], 1))
        return image


class UNetGenerator(ImageNetwork, GeneratorNetwork):
    """width: channels after the first halving, doubled at each halving. It maps a condition and noise to an image."""

    kind: Literal["unet"]
    width: Count
    norm: Norm
    requires_algorithm: ClassVar[str | None] = "translation"

    def build_translator(self, noise: int, given: Shape, shape: Shape) -> nn.Module:
        net = _UNet(noise, given[0], shape, self.width, self.norm)
        initialise(net, self.norm)
        return net
