"""U-Net: Ronneberger et al. 2015 (arXiv 1505.04597)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from ganpipe.networks import Shape
from ganpipe.networks._blocks import Norm, norm_2d, num_downsamplings


class UNet(nn.Module):
    """Strided convolutions down to the smallest map, where the noise joins as channels, and as many back up.

    Each layer on the way up also gets the map of its size from the way down (skip connections). The first layer has no
    norm (appendix 6.1.1 of pix2pix). out: what follows the last layer.
    """

    def __init__(
        self,
        noise: int,
        condition_channels: int,
        shape: Shape,
        width: int,
        norm: Norm,
        out: Sequence[nn.Module],
    ) -> None:
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
        self.out = nn.Sequential(nn.Conv2d(width + condition_channels, shape[0], 3, padding=1), *out)

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
