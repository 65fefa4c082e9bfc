"""U-Net: Ronneberger et al. 2015 (arXiv 1505.04597); the generator of pix2pix, Isola et al. 2017 (arXiv 1611.07004)."""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import nn

from ganpipe.networks import GeneratorNetwork, Shape
from ganpipe.networks._blocks import Norm, init_weights
from ganpipe.networks._images import ImageNetwork
from ganpipe.networks._unet import UNet
from ganpipe.parts import Count


class UNetGenerator(ImageNetwork, GeneratorNetwork):
    """width: channels after the first halving, doubled at each halving. It maps a condition and noise to an image."""

    kind: Literal["unet"]
    width: Count
    norm: Norm
    requires_algorithm: ClassVar[str | None] = "pix2pix"

    def build_translator(self, noise: int, condition_shape: Shape, shape: Shape) -> nn.Module:
        net = UNet(noise, condition_shape[0], shape, self.width, self.norm, [nn.Tanh()])
        init_weights(net, self.norm)
        return net
