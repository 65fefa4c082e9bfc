"""The autoencoder critic of EBGAN (Zhao et al. 2016, arXiv 1609.03126, section 2.3), for images and for points."""

from __future__ import annotations

from math import prod
from typing import ClassVar, Literal

from torch import nn

from ganpipe.networks import OutputType, Shape, form_of
from ganpipe.networks._blocks import (
    AutoencoderEnergy,
    downsampling,
    image_incompatibility,
    init_weights,
    mlp,
    upsampling,
)
from ganpipe.networks.critics._scoring import NormalisedCritic
from ganpipe.parts import Count


class AutoencoderCritic(NormalisedCritic):
    """Energy = mean squared reconstruction error over a sample's features.

    code: width of the bottleneck. layers: `convolutions`, DCGAN's in encoder and decoder (images only), or `dense`,
    two hidden layers in each.
    """

    kind: Literal["autoencoder"]
    layers: Literal["convolutions", "dense"]
    width: Count
    code: Count
    has_code: ClassVar[bool] = True
    is_autoencoder: ClassVar[bool] = True

    def incompatibility(self, shape: Shape) -> str | None:
        if self.layers == "dense":
            return None
        if form_of(shape) == "points":
            return "an autoencoder of convolutions is a network for images, the data are points"
        return image_incompatibility(self.kind, shape)

    @property
    def output_type(self) -> OutputType:
        return "energy"

    def build(self, shape: Shape) -> nn.Module:
        image = [nn.Tanh()] if form_of(shape) == "images" else []
        if self.layers == "convolutions":
            encoder = downsampling(shape, self.width, self.norm, self.code)
            decoder = upsampling(self.code, self.width, shape, self.norm, image)
        else:
            flat = mlp(prod(shape), self.width, 2, self.code, self.norm, 0.2)
            encoder = nn.Sequential(nn.Flatten(), *flat)
            decoder = mlp(self.code, self.width, 2, prod(shape), self.norm, 0.2)
            decoder = nn.Sequential(*decoder, *image, nn.Unflatten(1, shape))
        net = AutoencoderEnergy(encoder, decoder)
        init_weights(net, self.norm)
        return net
