"""The residual networks of SNGAN: their blocks against the paper's formulas, and where attention stands."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, relu, softplus

from ganpipe.networks._attention import SelfAttention
from ganpipe.networks._residual import DownBlock, UpBlock
from ganpipe.networks.critics.resnet import ResNetCritic
from ganpipe.networks.generators.resnet import ResNetGenerator

SIZES = (8, 16, 28, 32, 64)
# the maps behind the blocks: the generator's from small to large, the critic's from large to small
GENERATOR_MAPS = {8: [4, 8], 16: [8, 16], 28: [14, 28], 32: [8, 16, 32], 64: [8, 16, 32, 64]}
CRITIC_MAPS = {8: [4, 4, 4], 16: [8, 8, 8], 28: [14, 7, 7, 7], 32: [16, 8, 8, 8], 64: [32, 16, 8, 8, 8]}


def generator(**other: Any) -> ResNetGenerator:
    return ResNetGenerator.model_validate({"kind": "resnet", "width": 4, "norm": "batch", "attention": 0, **other})


def critic(**other: Any) -> ResNetCritic:
    parameters = {"kind": "resnet", "width": 4, "norm": "none", "attention": 0, "output": "score"}
    return ResNetCritic.model_validate({**parameters, **other})


def map_sizes(net: nn.Module, kind: type[nn.Module], x: Tensor) -> list[int]:
    """The size of the map behind each layer of this kind, in the order in which they are called."""
    found: list[int] = []
    for layer in net.modules():
        if isinstance(layer, kind):
            layer.register_forward_hook(lambda _module, _input, out: found.append(out.shape[-1]))
    net(x)
    return found


@pytest.mark.parametrize("size", SIZES)
def test_blocks_halve_and_double_as_the_paper_says(size: int) -> None:
    """Table 3 at 32 pixels: 4 -> 8 -> 16 -> 32, and 32 -> 16 -> 8 -> 8 -> 8."""
    assert map_sizes(generator().build(6, (1, size, size)), UpBlock, torch.randn(2, 6)) == GENERATOR_MAPS[size]
    judged = torch.randn(2, 1, size, size)
    assert map_sizes(critic().build((1, size, size)), DownBlock, judged) == CRITIC_MAPS[size]


def test_maps_have_their_channels_last_in_memory_and_weights_do_not() -> None:
    """The maps are faster so; weights as they are everywhere else need nothing of optimizers, checkpoints and files."""
    layouts = []
    for net, x in (
        (generator().build(6, (3, 32, 32)), torch.randn(2, 6)),
        (critic().build((3, 32, 32)), torch.randn(2, 3, 32, 32)),
    ):
        assert all(weight.is_contiguous() for weight in net.parameters())
        for layer in net.modules():
            if isinstance(layer, nn.Conv2d):
                layer.register_forward_hook(
                    lambda _module, _input, out: layouts.append(out.is_contiguous(memory_format=torch.channels_last))
                )
        net(x)
    assert len(layouts) == 20
    assert all(layouts)


@pytest.mark.parametrize("size", SIZES)
def test_attention_stands_once_behind_the_map_of_the_asked_size(size: int) -> None:
    shape = (1, size, size)
    for attention in GENERATOR_MAPS[size]:
        net = generator(attention=attention).build(6, shape)
        assert map_sizes(net, SelfAttention, torch.randn(2, 6)) == [attention]
    for attention in CRITIC_MAPS[size]:
        net = critic(attention=attention).build(shape)
        assert map_sizes(net, SelfAttention, torch.randn(2, *shape)) == [attention]
    assert not any(isinstance(layer, SelfAttention) for layer in critic().build(shape).modules())


def test_attention_comes_before_the_next_block() -> None:
    layers = list(critic(attention=8).build((1, 32, 32)).body)
    kinds = [type(layer) for layer in layers]
    assert kinds[:4] == [DownBlock, DownBlock, SelfAttention, DownBlock]


@pytest.mark.parametrize("part", [generator(attention=5), critic(attention=5)], ids=["generator", "critic"])
def test_attention_at_a_size_without_a_map_is_unfit(part: ResNetGenerator | ResNetCritic) -> None:
    sentence = part.incompatibility((1, 32, 32))
    assert sentence is not None
    assert "one of 5" in sentence
    assert ("8 or 16 or 32" if isinstance(part, ResNetGenerator) else "16 or 8 pixels") in sentence
    assert "images, the data are points" in str(part.incompatibility((2,)))
    assert "these are 10x10" in str(part.incompatibility((1, 10, 10)))


@pytest.mark.parametrize("norm", ["none", "batch", "layer"])
def test_up_block_is_the_formula(norm: Any) -> None:
    """The shortcut here upsamples after its 1x1 convolution, the paper's before: the same numbers."""
    block, x = UpBlock(4, norm).eval(), torch.randn(3, 4, 5, 5)
    norms: list[nn.Module] = [m for m in block.modules() if isinstance(m, (nn.BatchNorm2d, nn.GroupNorm))]
    assert len(norms) == (0 if norm == "none" else 2)
    for layer in norms:
        nn.init.normal_(layer.weight)
    one, two = norms if norms else (nn.Identity(), nn.Identity())
    h = block.first(interpolate(relu(one(x)), scale_factor=2.0, mode="nearest"))
    h = block.after[-1](relu(two(h)))
    expected = h + block.shortcut(interpolate(x, scale_factor=2.0, mode="nearest"))
    torch.testing.assert_close(block(x), expected)
    assert block(x).shape == (3, 4, 10, 10)


@pytest.mark.parametrize(("below", "down"), [(4, False), (4, True), (2, True), (2, False)])
@pytest.mark.parametrize("first", [False, True])
def test_down_block_is_the_formula(below: int, down: bool, first: bool) -> None:
    block, x = DownBlock(below, 4, "none", down, first), torch.randn(3, below, 6, 6)
    one, two = (layer for layer in block.branch if isinstance(layer, nn.Conv2d))
    h = two(relu(one(x if first else relu(x))))
    shortcut = block.shortcut(x)
    assert isinstance(block.shortcut, nn.Identity) == (not down and below == 4)
    if down:
        h, shortcut = avg_pool2d(h, 2), avg_pool2d(shortcut, 2)
    torch.testing.assert_close(block(x), h + shortcut)


def test_critic_sums_over_the_positions() -> None:
    """A sum and no mean: four times the positions with the same features are four times the score."""
    net = critic(width=3).build((1, 32, 32))
    *blocks, _, pool, last = net.body
    h = x = torch.randn(2, 1, 32, 32)
    for block in blocks:
        h = block(h)
    assert h.shape == (2, 3, 8, 8)
    torch.testing.assert_close(net.body(x), relu(h).sum((2, 3)) @ last.weight.T + last.bias)
    features = torch.randn(2, 3, 4, 4)
    torch.testing.assert_close(pool(features.repeat(1, 1, 2, 2)), 4 * pool(features))


@pytest.mark.parametrize("norm", ["batch", "layer"])
def test_nothing_is_done_to_the_image_before_the_first_convolution(norm: str) -> None:
    """A ReLU there would cut all that is darker than grey away."""
    net = critic(norm=norm).build((1, 16, 16))
    leaves = [layer for layer in net.modules() if not list(layer.children())]
    # the first block's shortcut comes after its branch
    assert [type(layer).__name__ for layer in leaves[:4]] == ["Conv2d", "ReLU", "Conv2d", "Conv2d"]
    dark = -torch.rand(6, 1, 16, 16) - 0.1
    assert critic().build((1, 16, 16))(dark).score.std() > 0
    found = {type(layer) for layer in leaves}
    assert (nn.BatchNorm2d if norm == "batch" else nn.GroupNorm) in found


@pytest.mark.parametrize("size", [28, 64])
@pytest.mark.parametrize("norm", ["none", "layer"])
def test_a_fresh_energy_has_a_slope_whatever_the_seed(norm: str, size: int) -> None:
    """A sum over positions lies so far from 0, on one side, that the softplus behind it is flat for every second seed.

    The mean is the same network but for the last layer's factor: the sum of a critic with a score over the positions.
    """
    x = torch.randn(4, 1, size, size).clamp(-1, 1)
    for seed in range(6):
        nets = []
        for output in ("score", "energy"):
            torch.manual_seed(seed)
            nets.append(critic(width=16, norm=norm, output=output).build((1, size, size)))
        scores, energies = (net(x).score for net in nets)
        positions = CRITIC_MAPS[size][-1] ** 2
        last = nets[0].body[-1]
        torch.testing.assert_close(energies, softplus((scores - last.bias) / positions + last.bias))
        assert energies.min() > 1e-3
        assert energies.max() < 30


def test_weights_start_as_in_the_authors_code() -> None:
    """Glorot's uniform distribution: variance 2 / (inputs + outputs), twice that in 3x3 layers."""
    for layer in critic(width=64, attention=8).build((1, 32, 32)).modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)) and layer.weight.numel() > 1000:
            positions = layer.weight[0, 0].numel()
            gain = 2 if positions == 9 else 1
            variance = gain * 2 / (positions * (layer.weight.shape[0] + layer.weight.shape[1]))
            assert layer.weight.var().item() == pytest.approx(variance, rel=0.15)
            assert layer.bias is None or torch.equal(layer.bias, torch.zeros_like(layer.bias))
