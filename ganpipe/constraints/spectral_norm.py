"""Spectral normalisation: Miyato et al. 2018, SNGAN (arXiv 1802.05957), equations 8 to 11."""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import nn
from torch.nn.utils import parametrizations

from ganpipe.constraints import Constraint


class SpectralNorm(Constraint):
    """W / sigma(W) in convolutions and linear layers, sigma the largest singular value, kernels as (out, in * k * k).

    One power iteration for each forward pass in training, none in evaluation; its vectors are buffers of the network.
    """

    kind: Literal["spectral_norm"]
    divides_by_norm: ClassVar[bool] = True

    def attach(self, net: nn.Module) -> None:
        for layer in list(net.modules()):
            if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
                parametrizations.spectral_norm(layer)
