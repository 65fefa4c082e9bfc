"""Layers and the base module of progressive growing (Karras et al. 2018, arXiv 1710.10196)."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate
from torch.nn.utils import parametrize


def sizes_of(size: int) -> list[int]:
    """The sizes that it grows through: from 4 pixels (7 for images of 28), doubled each time, to `size`."""
    base = 7 if size % 7 == 0 else 4
    return [base << level for level in range(size.bit_length()) if base << level <= size]


def pooled(x: Tensor, factor: int) -> Tensor:
    """(N, C, H, W) to 1 / factor of the size: means over squares of factor x factor pixels."""
    return x if factor == 1 else avg_pool2d(x, factor)


def repeated(x: Tensor, factor: int) -> Tensor:
    """(N, C, H, W) to factor times the size: each pixel repeated factor x factor times."""
    return x if factor == 1 else interpolate(x, scale_factor=float(factor))


def blended(images: Tensor, size: int, alpha: float) -> Tensor:
    """Real images with the detail that a generator at this size and alpha can make, (N, C, H, W) as before.

    alpha 1: that of `size` pixels; alpha 0: that of half as many; between, a linear blend.
    """
    full = images.shape[-1]
    x = pooled(images, full // size)
    if alpha < 1:
        x = torch.lerp(repeated(pooled(x, 2), 2), x, alpha)
    return repeated(x, full // size)


class _Scale(nn.Module):
    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, weight: Tensor) -> Tensor:
        return weight * self.factor


def equalized_lr(layer: nn.Conv2d | nn.Linear, gain: float = sqrt(2)) -> nn.Module:
    """The layer with an equalized learning rate (section 4.1): weights from N(0, 1), times He's constant at run time.

    The size of Adam's step does not depend on the scale of a weight, so all layers learn at the same relative speed.
    It is a parametrisation, so that spectral norm, attached later, divides the scaled weight.
    """
    nn.init.normal_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    parametrize.register_parametrization(layer, "weight", _Scale(gain / sqrt(layer.weight[0].numel())))
    return layer


class PixelNorm(nn.Module):
    """Each position's features divided by their root mean square (section 4.2)."""

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-8)


class MinibatchStdDev(nn.Module):
    """One more feature map (section 3): the standard deviation over the batch, averaged over features and positions."""

    def forward(self, x: Tensor) -> Tensor:
        std = (x.var(0, correction=0) + 1e-8).sqrt().mean()
        return torch.cat([x, std.expand(len(x), 1, *x.shape[2:])], dim=1)


class ProgressiveModule(nn.Module):
    """A network that works at one of several sizes, all blocks built at the start, so that optimizer states persist.

    It starts at the largest size. Images are always of full size: a generator repeats its pixels, a critic pools.
    Size and alpha are part of the state dict.
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        super().__init__()
        self.sizes = tuple(sizes)
        self.level, self.alpha = len(self.sizes) - 1, 1.0

    def grow_to(self, size: int, alpha: float) -> None:
        """Work at `size` pixels; with alpha < 1 the newest block is blended with the output at half the size.

        Raises ValueError for a size that it does not have, and an alpha that is no share or has no smaller size.
        """
        level = self.sizes.index(size)
        if not 0 <= alpha <= 1 or (level == 0 and alpha < 1):
            raise ValueError(f"alpha {alpha} at {size} pixels: it lies in 0..1, and nothing is below the smallest size")
        self.level, self.alpha = level, alpha

    @property
    def downscale(self) -> int:
        """The size of the images over the size that the network works at."""
        return self.sizes[-1] // self.sizes[self.level]

    def get_extra_state(self) -> Tensor:
        return torch.tensor([self.sizes[self.level], self.alpha], dtype=torch.float64)

    def set_extra_state(self, state: Tensor) -> None:
        size, alpha = state.tolist()
        self.grow_to(int(size), alpha)
