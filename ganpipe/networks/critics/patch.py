"""PatchGAN: the critic of pix2pix, Isola et al. 2017 (arXiv 1611.07004, section 3.2.2 and appendix 6.1.2)."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field
from torch import Tensor, nn

from ganpipe.critic import CriticOutput
from ganpipe.networks import Form, OutputType, Shape
from ganpipe.networks._blocks import init_weights, norm_2d
from ganpipe.networks.critics._scoring import NormalisedCritic
from ganpipe.parts import Count


class _Patches(nn.Module):
    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, x: Tensor) -> CriticOutput:
        return CriticOutput(self.body(x).flatten(1))


class PatchCritic(NormalisedCritic):
    """A score for each overlapping patch of an image, (N, P); losses are means over the patches.

    width: channels of the first layer, doubled at each next one up to 8 times as many; the first has no norm. layers:
    how many of them halve the image: patches are squares of 16, 34, 70, 142 pixels with 1, 2, 3, 4.
    """

    kind: Literal["patch"]
    width: Count
    layers: Annotated[int, Field(ge=1, le=4)]
    forms: ClassVar[frozenset[Form]] = frozenset({"images"})
    has_patches: ClassVar[bool] = True

    @property
    def output_type(self) -> OutputType:
        return "score"

    @property
    def patch_size(self) -> int:
        """The side of a patch in pixels: what one score depends on."""
        size = 1
        for stride in (1, 1, *self.layers * (2,)):
            size = (size - 1) * stride + 4
        return size

    def incompatibility(self, shape: Shape) -> str | None:
        found = super().incompatibility(shape)
        if found or min(shape[1:]) > self.patch_size:
            return found
        size = f"{shape[1]}x{shape[2]}"
        return f"patch scores patches of {self.patch_size} pixels, which have to be smaller than the images, of {size}"

    def build(self, shape: Shape) -> nn.Module:
        layers: list[nn.Module] = [nn.Conv2d(shape[0], self.width, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        channels = self.width
        for level in range(1, self.layers + 1):
            below, channels = channels, self.width << min(level, 3)
            layers += [nn.Conv2d(below, channels, 4, stride=2 if level < self.layers else 1, padding=1)]
            layers += [*norm_2d(self.norm, channels), nn.LeakyReLU(0.2)]
        net = _Patches(nn.Sequential(*layers, nn.Conv2d(channels, 1, 4, stride=1, padding=1)))
        init_weights(net, self.norm)
        return net
