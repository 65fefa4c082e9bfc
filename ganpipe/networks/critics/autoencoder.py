"""The autoencoder critic of EBGAN (Zhao et al. 2016, arXiv 1609.03126, section 2.3), for images and for points."""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import nn

from ganpipe.networks import CriticNetwork, Shape, form_of
from ganpipe.networks._blocks import (
    Norm,
    Reconstruction,
    downsampling,
    initialise,
    perceptron,
    unfit_image,
    upsampling,
)
from ganpipe.params import Count


class AutoencoderCritic(CriticNetwork):
    """Energy = mean squared reconstruction error over a sample's features; code: width of the bottleneck.

    Images: the convolutions of DCGAN both ways. Points: two hidden layers each way.
    """

    kind: Literal["autoencoder"]
    width: Count
    norm: Norm
    code: Count
    has_code: ClassVar[bool] = True

    def unfit(self, shape: Shape) -> str | None:
        return unfit_image(self.kind, shape) if form_of(shape) == "images" else None

    @property
    def emits(self) -> Literal["score", "energy"]:
        return "energy"

    @property
    def couples_samples(self) -> bool:
        return self.norm == "batch"

    def build(self, shape: Shape) -> nn.Module:
        if form_of(shape) == "images":
            encoder = downsampling(shape, self.width, self.norm, self.code)
            decoder = upsampling(self.code, self.width, shape, self.norm, [nn.Tanh()])
        else:
            encoder = perceptron(shape[0], self.width, 2, self.code, self.norm, 0.2)
            decoder = perceptron(self.code, self.width, 2, shape[0], self.norm, 0.2)
        net = Reconstruction(encoder, decoder)
        initialise(net, self.norm)
        return net
