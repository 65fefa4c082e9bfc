"""DCGAN's networks and the autoencoder against their papers: where norms stand, how weights start, the energy."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from network_cases import NORMS, SIZES, layers_of, randn
from torch import nn

from ganpipe.networks.critics.autoencoder import AutoencoderCritic
from ganpipe.networks.critics.dcgan import DCGANCritic
from ganpipe.networks.critics.mlp import MLPCritic
from ganpipe.networks.critics.patch import PatchCritic
from ganpipe.networks.encoders.dcgan import DCGANEncoder
from ganpipe.networks.generators.dcgan import DCGANGenerator
from ganpipe.networks.generators.unet import UNetGenerator

NORMALISING = (nn.BatchNorm2d, nn.GroupNorm)


def generator(norm: str = "none") -> DCGANGenerator:
    return DCGANGenerator.model_validate({"kind": "dcgan", "width": 4, "norm": norm})


def critic(norm: str = "none") -> DCGANCritic:
    return DCGANCritic.model_validate({"kind": "dcgan", "width": 4, "norm": norm, "output": "score"})


def encoder(norm: str = "none") -> DCGANEncoder:
    return DCGANEncoder.model_validate({"kind": "dcgan", "width": 4, "norm": norm})


def autoencoder(layers: str = "convolutions", norm: str = "none", width: int = 4, code: int = 3) -> AutoencoderCritic:
    parameters = {"kind": "autoencoder", "layers": layers, "width": width, "norm": norm, "code": code}
    return AutoencoderCritic.model_validate(parameters)


@pytest.mark.parametrize(
    ("layers", "shape"), [("convolutions", (3, 8, 8)), ("dense", (1, 4, 4)), ("dense", (2,))], ids=str
)
def test_autoencoder_energy_is_the_mean_over_the_features(layers: str, shape: tuple[int, ...]) -> None:
    """Mean and not sum: an image twice as large has the same energy where every pixel is as wrong."""
    net: Any = autoencoder(layers).build(shape)
    x = randn(3, *shape)
    with torch.no_grad():
        said = net(x)
        errors = [(net.decoder(net.encoder(one[None])) - one).square().sum().item() for one in x]
    torch.testing.assert_close(said.score, torch.tensor(errors) / x[0].numel())
    torch.testing.assert_close(said.code, net.encoder(x))


def test_layer_norm_of_a_feature_map_is_over_channels_and_positions() -> None:
    (norm,) = (layer for layer in critic("layer").build((1, 16, 16)).modules() if isinstance(layer, nn.GroupNorm))
    normalised = norm(randn(2, 8, 4, 4) * torch.arange(1.0, 9.0).view(1, 8, 1, 1))
    torch.testing.assert_close(normalised.flatten(1).mean(1), torch.zeros(2), atol=1e-5, rtol=0)
    assert normalised[:, 7].std() > 2 * normalised[:, 0].std()  # channels keep their scale relative to each other


@pytest.mark.parametrize("norm", ["batch", "layer"])
def test_no_norm_at_the_ends(norm: str) -> None:
    """Radford et al. 2016, section 3: batch norm everywhere but on the generator's output and the critic's input."""
    shape = (1, 32, 32)
    for net in (critic(norm).build(shape), autoencoder(norm=norm).build(shape), encoder(norm).build(shape, 5)):
        leaves = [layer for layer in net.modules() if not list(layer.children())]
        assert isinstance(leaves[0], nn.Conv2d)
        assert isinstance(leaves[1], nn.LeakyReLU)
        assert isinstance(leaves[2], nn.Conv2d)
        assert isinstance(leaves[3], NORMALISING)
    made = list(generator(norm).build(6, shape).modules())
    assert isinstance(made[-1], nn.Tanh)
    assert isinstance(made[-2], nn.ConvTranspose2d)
    assert sum(isinstance(layer, NORMALISING) for layer in made) == 3


@pytest.mark.parametrize("norm", NORMS)
def test_weights_start_at_the_scale_of_their_paper(norm: str) -> None:
    """0.02 with batch norm (Radford et al.), else He et al.: variance 2 / (1 + 0.2^2) over the inputs of a neuron."""
    for layer in layers_of(autoencoder(norm=norm, width=32, code=64).build((32, 16, 16))):
        inputs = layer.weight[0].numel()
        if isinstance(layer, nn.ConvTranspose2d):
            inputs = layer.weight.shape[0] * layer.weight[0, 0].numel()
        std = 0.02 if norm == "batch" else (2 / (1 + 0.2**2) / inputs) ** 0.5
        assert layer.weight.std().item() == pytest.approx(std, rel=0.05)
        assert torch.equal(layer.bias, torch.zeros_like(layer.bias))


@pytest.mark.parametrize("size", SIZES)
def test_images_come_from_a_map_of_a_few_pixels(size: int) -> None:
    """2 pixels at 8, 7 at 28, else 4: the first map of the generator and the last of the critic."""
    base = {8: 2, 16: 4, 28: 7, 32: 4, 64: 4}[size]
    made, judged = generator().build(6, (1, size, size)), critic().build((1, size, size))
    depth = (size // base).bit_length() - 1
    top = 4 * 2 ** (depth - 1)
    assert layers_of(made)[0].weight.shape == (top * base**2, 6)
    assert layers_of(judged)[-1].weight.shape == (1, top * base**2)
    assert len(layers_of(made)) == len(layers_of(judged)) == depth + 1


def mlp_weights(**options: float) -> list[torch.Tensor]:
    torch.manual_seed(0)
    part = MLPCritic.model_validate(
        {
            "kind": "mlp",
            "width": 2000,
            "depth": 1,
            "norm": "none",
            "output": "score",
            "first_layer_scale": 1.0,
            "bias_spread": 0.0,
        }
        | options
    )
    return [weight.detach() for weight in part.build((2,)).parameters()]


def test_the_kinks_of_the_first_layer_start_at_all_distances_up_to_the_spread() -> None:
    """The kink of a neuron is the line w x + b = 0, at the distance |b| / |w| from 0: uniform in [0, spread]."""
    plain, spread = mlp_weights(), mlp_weights(first_layer_scale=8.0, bias_spread=2.0)
    assert not plain[1].any()  # all go through 0
    assert torch.equal(spread[0], 8 * plain[0])
    assert torch.equal(spread[2], plain[2] / 8)  # of the last layer
    assert torch.equal(spread[3], plain[3])
    distances = spread[1].abs() / spread[0].norm(dim=1)
    expected = torch.tensor([0.2, 1.0, 1.8])
    torch.testing.assert_close(distances.quantile(expected / 2), expected, atol=0.1, rtol=0)
    assert distances.max() <= 2.0 + 1e-5
    assert abs((spread[1] > 0).float().mean() - 0.5) < 0.05


@pytest.mark.parametrize(("layers", "side", "patches"), [(1, 16, 14 * 14), (2, 34, 14 * 14), (3, 70, 14 * 14)])
def test_a_score_of_the_patch_critic_depends_on_its_patch_alone(layers: int, side: int, patches: int) -> None:
    """By gradient; sides as in pix2pix, appendix 6.1.2 (16, 70) and its code (34)."""
    part = PatchCritic(kind="patch", width=2, layers=layers, norm="none")
    size = 16 << layers
    x = randn(2, 3, size, size).requires_grad_(True)
    scores = part.build((3, size, size))(x).score
    assert scores.shape == (2, patches)
    (gradient,) = torch.autograd.grad(scores[0, patches // 2 + 7], x)  # in the middle
    rows, columns = gradient[0].abs().sum(0).nonzero().unbind(1)
    expected = min(side, size)
    assert [int(at.max() - at.min()) + 1 for at in (rows, columns)] == [expected, expected]
    assert gradient[1].abs().max() == 0
    assert part.patch_size == side
    assert part.incompatibility((1, side + 1, side + 1)) is None
    assert f"patches of {side} pixels" in str(part.incompatibility((1, side, side)))
    assert "the data are points" in str(part.incompatibility((2,)))


def test_the_first_layers_of_pix2pix_have_no_norm() -> None:
    """Appendices 6.1.1 and 6.1.2."""
    translator = UNetGenerator(kind="unet", width=4, norm="batch").build_translator(5, (1, 8, 8), (1, 32, 32))
    judge = PatchCritic(kind="patch", width=4, layers=2, norm="batch").build((2, 64, 64))
    down = [any(isinstance(one, NORMALISING) for one in layer) for layer in translator.down]  # type: ignore[union-attr]
    assert down == [False, True, True]
    assert [type(one).__name__ for one in judge.body][:5] == [  # type: ignore[arg-type, union-attr]
        *("Conv2d", "LeakyReLU"),
        *("Conv2d", "BatchNorm2d", "LeakyReLU"),
    ]
