"""Radford et al. 2016, DCGAN (arXiv 1511.06434), at 8 to 64 pixels."""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import nn

from ganpipe.networks import CriticNetwork, Form, Shape
from ganpipe.networks._blocks import Norm, Scalar, downsampling, initialise, unfit_image
from ganpipe.params import Count


class DCGANCritic(CriticNetwork):
    """Strided convolutions; width: channels at full resolution, doubled at each halving of the size."""

    kind: Literal["dcgan"]
    width: Count
    norm: Norm
    output: Literal["score", "energy"]
    forms: ClassVar[frozenset[Form]] = frozenset({"images"})

    def unfit(self, shape: Shape) -> str | None:
        return super().unfit(shape) or unfit_image(self.kind, shape)

    @property
    def emits(self) -> Literal["score", "energy"]:
        return self.output

    @property
    def couples_samples(self) -> bool:
        return self.norm == "batch"

    def build(self, shape: Shape) -> nn.Module:
        net = Scalar(downsampling(shape, self.width, self.norm, 1), self.output == "energy")
        initialise(net, self.norm)
        return net
