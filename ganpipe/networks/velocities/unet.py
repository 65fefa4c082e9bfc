"""A U-Net of image and time: Ronneberger et al. 2015 (arXiv 1505.04597)."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from ganpipe.networks import Shape, VelocityNetwork
from ganpipe.networks._blocks import init_weights
from ganpipe.networks._images import ImageNetwork
from ganpipe.networks._time import NUM_FEATURES, time_features
from ganpipe.networks._unet import UNet
from ganpipe.parts import Count


class UNetVelocity(ImageNetwork, VelocityNetwork):
    """width: channels after the first halving, doubled at each halving. cos and sin of k pi t, k = 1 to 8, join the
    smallest map. No batch norm: it would mix the times of a batch.
    """

    kind: Literal["unet"]
    width: Count
    norm: Literal["none", "layer"]

    def build(self, shape: Shape) -> nn.Module:
        net = UNet(NUM_FEATURES, shape[0], shape, self.width, self.norm, [])
        init_weights(net, self.norm)
        return _OfImages(net)


class _OfImages(nn.Module):
    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        velocity: Tensor = self.net(time_features(t), x)
        return velocity
