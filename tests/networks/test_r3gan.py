"""R3GAN's networks: sizes, parameters counted by hand, blocks that start as the identity, the authors' resampling."""

from __future__ import annotations

from math import sqrt
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import nn
from torch.nn.functional import conv2d, conv_transpose2d

from ganpipe.networks._r3gan import Double, Halve, ResidualBlock
from ganpipe.networks.critics.r3gan import R3GANCritic
from ganpipe.networks.generators.r3gan import ModulatedBase, R3GANGenerator

KEYS = {"kind": "r3gan", "width": 16, "cardinality": 2, "blocks": 2}


def generator(**other: Any) -> R3GANGenerator:
    return R3GANGenerator.model_validate(KEYS | other)


def critic(**other: Any) -> R3GANCritic:
    return R3GANCritic.model_validate(KEYS | {"output": "score"} | other)


def count(net: nn.Module) -> int:
    return sum(weight.numel() for weight in net.parameters())


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("size", "stages"), [(8, 2), (32, 4), (64, 5)])
def test_two_blocks_at_every_size_from_four_pixels_on(size: int, stages: int, channels: int) -> None:
    g, d = generator().build(6, (channels, size, size)), critic().build((channels, size, size))
    images = g(torch.randn(3, 6))
    assert images.shape == (3, channels, size, size)
    assert d(images).score.shape == (3,)
    for net in (g, d):
        assert [type(layer) for layer in net.modules()].count(ResidualBlock) == 2 * stages


def test_parameters_by_hand() -> None:
    """A block of width 16 with 2 groups: 16 * 32 + 32, 32 * 16 * 9 + 32, 32 * 16 = 5,696."""
    block = 16 * 32 + 32 + 32 * 16 * 9 + 32 + 32 * 16
    assert count(ResidualBlock(16, 2)) == block == 5696
    # a base of 4x4, its modulation, four blocks and 1x1; 1x1, four blocks, 4x4 of each channel, linear
    assert count(generator().build(6, (3, 8, 8))) == 16 * 16 + 6 * 16 + 4 * block + 16 * 3
    assert count(critic().build((3, 8, 8))) == 3 * 16 + 4 * block + 16 * 16 + 16


def test_blocks_start_as_the_identity_and_their_layers_as_fix_up_says() -> None:
    net = critic(width=64, cardinality=8).build((1, 8, 8))
    blocks = [layer for layer in net.modules() if isinstance(layer, ResidualBlock)]
    x = torch.randn(2, 64, 4, 4)
    for block in blocks:
        assert torch.equal(block(x), x)
        first, second = block.first, block.second
        assert torch.equal(first.bias, torch.zeros(128))
        for layer, inputs in ((first, 64), (second, 16 * 9)):  # 16 channels a group
            expected = sqrt(2 / (1 + 0.2**2)) * len(blocks) ** -0.25 / sqrt(inputs)
            assert layer.weight.std().item() == pytest.approx(expected, rel=0.05)
        nn.init.ones_(block.last.weight)
        assert not torch.equal(block(x), x)


def test_the_other_layers_keep_the_variance() -> None:
    """A standard deviation of 1 / sqrt(inputs), by hand: each has thousands of weights, or 256."""
    g, d = generator(width=256, cardinality=32).build(64, (3, 8, 8)), critic(width=256, cardinality=32).build((3, 8, 8))
    inside = {
        id(layer) for net in (g, d) for b in net.modules() if isinstance(b, ResidualBlock) for layer in b.modules()
    }
    layers = [
        x for net in (g, d) for x in net.modules() if isinstance(x, (nn.Conv2d, nn.Linear)) and id(x) not in inside
    ]
    # modulation of 64 numbers; to 3 channels; from 3 channels; one filter of 4x4 a channel; to the score
    expected = [64**-0.5, 256**-0.5, 3**-0.5, 1 / 4, 256**-0.5]
    assert [layer.weight.std().item() for layer in layers] == pytest.approx(expected, rel=0.15)
    assert all(layer.bias is None for layer in layers)
    assert g[0].base.std().item() == pytest.approx(1.0, rel=0.05)


def test_the_first_map_is_the_base_times_a_number_for_each_channel() -> None:
    layer = ModulatedBase(2, 2, 2)
    with torch.no_grad():
        layer.base.copy_(torch.tensor([[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]]))
        layer.modulation.weight.copy_(torch.tensor([[1.0, 2.0], [0.5, -1.0]]))
        maps = layer(torch.tensor([[1.0, 1.0], [2.0, 0.0]]))  # factors 3 and -0.5, and 2 and 1
    assert maps.tolist() == [
        [[[3.0, 6.0], [9.0, 12.0]], [[-2.5, -3.0], [-3.5, -4.0]]],
        [[[2.0, 4.0], [6.0, 8.0]], [[5.0, 6.0], [7.0, 8.0]]],
    ]


def test_resampling_is_the_authors_filter() -> None:
    """[1, 2, 1] and [1, 1] convolved, with zeros outside of the image."""
    row = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
    kernel, x = torch.outer(row, row).expand(3, 1, 4, 4), torch.randn(2, 3, 8, 8)
    torch.testing.assert_close(Halve()(x), conv2d(x, kernel, stride=2, padding=1, groups=3))
    torch.testing.assert_close(Double()(x), conv_transpose2d(x, 4 * kernel, stride=2, padding=1, groups=3))


def test_groups_have_to_be_equal() -> None:
    with pytest.raises(ValidationError, match="does not divide the 48 channels inside a block, twice the width; use 3"):
        critic(width=24, cardinality=5)
