"""What the networks of R3GAN share: Huang et al. 2024 (arXiv 2501.05441), section 4."""

from __future__ import annotations

from math import log2

from pydantic import model_validator
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, leaky_relu, pad

from ganpipe.networks._images import ImageNetwork
from ganpipe.networks._residual import channels_last
from ganpipe.parts import Count, Depth, refuse

SLOPE = 0.2


class R3GANNetwork(ImageNetwork):
    """Residual blocks at every size from 4 pixels on (7 at 28), without normalisation, and bilinear resampling.

    width: channels of the maps, the same at every size as in the paper's networks for CIFAR-10 and ImageNet; the blocks
    have twice as many inside. cardinality: groups of their 3x3 convolutions; the paper's have 16 channels each for
    CIFAR-10 and FFHQ, 32 for ImageNet. blocks: at each size.
    """

    width: Count
    cardinality: Count
    blocks: Depth

    @model_validator(mode="after")
    def _groups_are_equal(self) -> R3GANNetwork:
        if 2 * self.width % self.cardinality:
            sentence = f"does not divide the {2 * self.width} channels inside a block, twice the width"
            raise refuse(f"{sentence}; use {max(1, self.width // 8)}", "cardinality", value=self.cardinality)
        return self

    @property
    def starts_at_zero(self) -> bool:
        return True

    def stages(self, size: int) -> list[list[nn.Module]]:
        """The blocks of each size, of images of `size` pixels."""
        return [[ResidualBlock(self.width, self.cardinality) for _ in range(self.blocks)] for _ in sizes(size)]


def sizes(size: int) -> list[int]:
    """The sizes of the maps, from the smallest to that of the image."""
    return [size >> level for level in reversed(range(1 + int(log2(size / 4))))]


class ResidualBlock(nn.Module):
    """x + f(x), an inverted bottleneck: 1x1, leaky ReLU, 3x3 in groups, leaky ReLU, 1x1 without a bias."""

    def __init__(self, width: int, cardinality: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, 2 * width, 1)
        self.second = nn.Conv2d(2 * width, 2 * width, 3, padding=1, groups=cardinality)
        self.last = nn.Conv2d(2 * width, width, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = channels_last(x)
        result: Tensor = x + self.last(leaky_relu(self.second(leaky_relu(self.first(x), SLOPE)), SLOPE))
        return result


class Double(nn.Module):
    """Bilinear interpolation to twice the size: the filter [1, 3, 3, 1] / 4 in each direction, with zeros outside."""

    def forward(self, x: Tensor) -> Tensor:
        return interpolate(pad(x, (1, 1, 1, 1)), scale_factor=2.0, mode="bilinear")[..., 2:-2, 2:-2]


class Halve(nn.Module):
    """To half the size by the same filter, [1, 3, 3, 1] / 8: the mean of two neighbours, three times."""

    def forward(self, x: Tensor) -> Tensor:
        return avg_pool2d(avg_pool2d(avg_pool2d(x, 2, stride=1, padding=1), 2, stride=1), 2)


def init_fixup_weights(net: nn.Module) -> None:
    """Fix-up (Zhang et al. 2019, arXiv 1901.09321): each block starts as the identity.

    In a network of L blocks the first two layers of each are He's, times L^(-1/4), and the last is 0. All other layers
    keep the variance, and biases are 0.
    """
    blocks = [module for module in net.modules() if isinstance(module, ResidualBlock)]
    for layer in net.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="linear")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    for block in blocks:
        for layer in (block.first, block.second):
            nn.init.kaiming_normal_(layer.weight, a=SLOPE)
            layer.weight.data *= len(blocks) ** -0.25
        nn.init.zeros_(block.last.weight)
