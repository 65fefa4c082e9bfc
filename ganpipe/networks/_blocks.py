"""Building blocks that several networks share: MLPs, DCGAN's convolutions, the heads of critics, initialisation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn
from torch.nn.functional import softplus

from ganpipe.critic import CriticOutput

Norm = Literal["none", "batch", "layer"]
SIZES = (8, 16, 28, 32, 64)


def num_downsamplings(size: int) -> int:
    """How many strided layers halve a square image of `size` pixels: to 2 pixels from 8, to 7 from 28, else to 4."""
    return {8: 2, 16: 2, 28: 2, 32: 3, 64: 4}[size]


def image_incompatibility(kind: str, shape: Sequence[int]) -> str | None:
    """Why no network of convolutions is defined for images of this shape; None where one is."""
    if shape[1] != shape[2] or shape[1] not in SIZES:
        return f"{kind} needs square images of {', '.join(map(str, SIZES))} pixels, these are {shape[1]}x{shape[2]}"
    return None


def norm_2d(norm: Norm, channels: int) -> list[nn.Module]:
    """The normalisation of feature maps (N, C, H, W); `layer` is over channels and positions of one sample."""
    if norm == "batch":
        return [nn.BatchNorm2d(channels)]
    return [nn.GroupNorm(1, channels)] if norm == "layer" else []


def norm_1d(norm: Norm, width: int) -> list[nn.Module]:
    """The normalisation of features (N, width)."""
    if norm == "batch":
        return [nn.BatchNorm1d(width)]
    return [nn.LayerNorm(width)] if norm == "layer" else []


def upsampling(
    in_features: int, width: int, shape: Sequence[int], norm: Norm, out: Sequence[nn.Module]
) -> nn.Sequential:
    """(N, in_features) -> (N, *shape): a linear layer, then strided transposed convolutions that halve the channels."""
    channels, size = shape[0], shape[1]
    depth = num_downsamplings(size)
    base, top = size >> depth, width << (depth - 1)
    layers: list[nn.Module] = [nn.Linear(in_features, top * base * base), nn.Unflatten(1, (top, base, base))]
    for level in reversed(range(depth)):
        layers += [*norm_2d(norm, width << level), nn.ReLU()]
        below = width << (level - 1) if level else channels
        layers += [nn.ConvTranspose2d(width << level, below, 4, stride=2, padding=1)]
    return nn.Sequential(*layers, *out)


def downsampling(shape: Sequence[int], width: int, norm: Norm, out_features: int) -> nn.Sequential:
    """(N, *shape) -> (N, out_features): strided convolutions that double the channels, then a linear layer.

    No normalisation after the first layer (Radford et al. 2016, arXiv 1511.06434).
    """
    channels, size = shape[0], shape[1]
    depth = num_downsamplings(size)
    layers: list[nn.Module] = []
    for level in range(depth):
        above = width << (level - 1) if level else channels
        layers += [nn.Conv2d(above, width << level, 4, stride=2, padding=1)]
        layers += [*(norm_2d(norm, width << level) if level else []), nn.LeakyReLU(0.2)]
    base = size >> depth
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear((width << (depth - 1)) * base * base, out_features))


def mlp(in_features: int, width: int, depth: int, out_features: int, norm: Norm, slope: float) -> nn.Sequential:
    """(N, in_features) -> (N, out_features), `depth` hidden layers of `width`; slope: of leaky ReLU, 0 for ReLU."""
    layers: list[nn.Module] = []
    for level in range(depth):
        layers += [nn.Linear(in_features if level == 0 else width, width), *norm_1d(norm, width)]
        layers += [nn.LeakyReLU(slope) if slope else nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(width, out_features))


class ScalarHead(nn.Module):
    """A critic whose body gives (N, 1): a raw score, or an energy >= 0 by a softplus.

    A ReLU would not do: where it makes every energy of a batch 0, neither network has a gradient and the training never
    recovers (Loss-Sensitive GAN on digits: all energies 0 from step 100 on).
    """

    def __init__(self, body: nn.Module, energy: bool) -> None:
        super().__init__()
        self.body, self.energy = body, energy

    def forward(self, x: Tensor) -> CriticOutput:
        score = self.body(x).squeeze(1)
        return CriticOutput(softplus(score) if self.energy else score)


class AutoencoderEnergy(nn.Module):
    """An autoencoder as a critic: the energy is the mean squared reconstruction error over the features of a sample."""

    def __init__(self, encoder: nn.Module, decoder: nn.Module) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder, decoder

    def forward(self, x: Tensor) -> CriticOutput:
        code = self.encoder(x)
        return CriticOutput((self.decoder(code) - x).flatten(1).square().mean(1), code)


def init_weights(net: nn.Module, norm: Norm) -> None:
    """N(0, 0.02) with batch norm (Radford et al. 2016, section 4), else He et al. 2015 (arXiv 1502.01852); biases 0.

    Without batch norm 0.02 would shrink the signal layer by layer until the critic's output is constant.
    """
    for layer in net.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
            if norm == "batch":
                nn.init.normal_(layer.weight, 0.0, 0.02)
            else:
                # of a transposed convolution torch takes the outputs for the inputs
                transposed = isinstance(layer, nn.ConvTranspose2d)
                nn.init.kaiming_normal_(layer.weight, a=0.2, mode="fan_out" if transposed else "fan_in")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
