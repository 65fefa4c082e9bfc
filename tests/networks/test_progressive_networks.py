"""Progressive growing: alpha between two sizes, equalized learning rate, pixel norm and minibatch stddev."""

from __future__ import annotations

from math import sqrt
from typing import Any

import pytest
import torch
from safetensors.torch import load, save
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from ganpipe.constraints.spectral_norm import SpectralNorm
from ganpipe.networks import Shape
from ganpipe.networks._growing import PixelNorm, ProgressiveModule, blended, sizes_of
from ganpipe.networks.critics.progressive import ProgressiveCritic
from ganpipe.networks.generators.progressive import ProgressiveGenerator

SIZES = {8: [4, 8], 16: [4, 8, 16], 28: [7, 14, 28], 32: [4, 8, 16, 32], 64: [4, 8, 16, 32, 64]}
SHAPES = [(channels, size, size) for channels, size in ((1, 8), (3, 16), (1, 28), (3, 32), (1, 64))]


def generator(shape: Shape = (1, 16, 16), latent: int = 6, width: int = 4) -> Any:
    part = ProgressiveGenerator.model_validate({"kind": "progressive", "width": width})
    assert part.incompatibility(shape) is None
    return part.build(latent, shape)


def critic_part(**other: Any) -> ProgressiveCritic:
    parameters = {"kind": "progressive", "width": 4, "minibatch_stddev": True, "output": "score"}
    return ProgressiveCritic.model_validate({**parameters, **other})


def critic(shape: Shape = (1, 16, 16), **other: Any) -> Any:
    """The module, and the progressive module inside it."""
    net = critic_part(**other).build(shape)
    assert critic_part().incompatibility(shape) is None
    (body,) = (m for m in net.modules() if isinstance(m, ProgressiveModule))
    return net, body


def up(x: Tensor, factor: int = 2) -> Tensor:
    return x.repeat_interleave(factor, 2).repeat_interleave(factor, 3)


def layers_of(net: nn.Module) -> list[Any]:
    return [m for m in net.modules() if isinstance(m, (nn.Linear, nn.Conv2d))]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_images_are_of_the_full_size_at_every_size(shape: Shape) -> None:
    sizes = SIZES[shape[1]]
    assert sizes_of(shape[1]) == sizes
    made, (judged, body) = generator(shape), critic(shape)
    assert made.sizes == body.sizes == tuple(sizes)
    z = torch.randn(5, 6)
    for size in sizes:
        for alpha in (0.0, 0.5, 1.0) if size > sizes[0] else (1.0,):
            made.grow_to(size, alpha)
            body.grow_to(size, alpha)
            image = made(z)
            assert image.shape == (5, *shape)
            assert image.abs().max() <= 1
            squares = avg_pool2d(image, shape[1] // size)
            torch.testing.assert_close(up(squares, shape[1] // size), image)  # no detail finer than the size
            if size == sizes[0]:  # 4 pixels, or 7, which cannot be halved
                assert not torch.allclose(squares, squares.mean((2, 3), keepdim=True).expand_as(squares))
            elif alpha > 0:
                coarser = avg_pool2d(image, 2 * shape[1] // size)
                assert not torch.allclose(up(coarser, 2 * shape[1] // size), image)
            score = judged(image).score
            assert score.shape == (5,)
            assert len(set(score.tolist())) == 5


@pytest.mark.parametrize(
    ("shape", "size", "below"),
    [
        *(((1, 16, 16), size, size // 2) for size in (8, 16)),
        *(((3, 28, 28), size, size // 2) for size in (14, 28)),
        ((1, 8, 8), 8, 4),
        ((3, 32, 32), 32, 16),
        ((1, 64, 64), 64, 32),
    ],
)
def test_at_alpha_0_both_are_the_smaller_network(shape: Shape, size: int, below: int) -> None:
    made, (judged, body), z, x = generator(shape), critic(shape), torch.randn(3, 6), torch.randn(3, *shape)
    results = {}
    for at in ((below, 1.0), (size, 0.0), (size, 1.0)):
        made.grow_to(*at)
        body.grow_to(*at)
        results[at] = made(z), judged(x).score
    for i in (0, 1):
        torch.testing.assert_close(results[size, 0.0][i], results[below, 1.0][i])
        assert not torch.allclose(results[size, 1.0][i], results[below, 1.0][i], atol=1e-3)


def test_the_smallest_generator_is_a_network_of_that_size_upsampled() -> None:
    """Not only a state of the large one: built for 8 pixels and given its weights, it makes the same images."""
    large, small, z = generator((1, 16, 16)), generator((1, 8, 8)), torch.randn(3, 6)
    kept = {name: value for name, value in large.state_dict().items() if name in small.state_dict()}
    small.load_state_dict(kept | {"_extra_state": small.state_dict()["_extra_state"]})
    for size, alpha in ((4, 1.0), (8, 0.0), (8, 0.3), (8, 1.0)):
        large.grow_to(size, alpha)
        small.grow_to(size, alpha)
        torch.testing.assert_close(large(z), up(small(z)))
    (judged, body), (little, little_body) = critic((1, 16, 16)), critic((1, 8, 8))
    kept = {name: value for name, value in judged.state_dict().items() if name in little.state_dict()}
    little.load_state_dict(kept | {"body._extra_state": little.state_dict()["body._extra_state"]})
    x = torch.randn(5, 1, 16, 16)
    for size, alpha in ((4, 1.0), (8, 0.0), (8, 0.3), (8, 1.0)):
        body.grow_to(size, alpha)
        little_body.grow_to(size, alpha)
        torch.testing.assert_close(judged(x).score, little(avg_pool2d(x, 2)).score)


def test_generator_fades_its_images_in_a_line() -> None:
    made, z = generator(), torch.randn(3, 6)
    images = []
    for alpha in (0.0, 1.0, 0.25):
        made.grow_to(16, alpha)
        images.append(made(z))
    torch.testing.assert_close(images[2], 0.75 * images[0] + 0.25 * images[1])


def test_critic_fades_its_features_in_a_line() -> None:
    """Between what the new block makes of the image and what the old first layer makes of half its size."""
    net, body = critic(minibatch_stddev=False)
    x = torch.randn(3, 1, 16, 16)
    body.grow_to(16, 0.25)
    features = 0.25 * body.blocks[1](body.from_image[2](x)) + 0.75 * body.from_image[1](avg_pool2d(x, 2))
    expected = body.last(body.blocks[0](features)).squeeze(1)
    torch.testing.assert_close(net(x).score, expected)


@pytest.mark.parametrize(("size", "alpha"), [(4, 1.0), (8, 0.0), (8, 0.4), (8, 1.0), (16, 0.4), (16, 1.0)])
def test_reals_are_blended_as_the_generator_blends(size: int, alpha: float) -> None:
    """A generator whose layers to an image know the real one at their own size shows just the blended image."""
    real = torch.rand(3, 1, 16, 16) * 2 - 1

    class Known(nn.Module):
        def __init__(self, at: int) -> None:
            super().__init__()
            self.at = at

        def forward(self, x: Tensor) -> Tensor:
            assert x.shape[-1] == self.at
            return avg_pool2d(real, 16 // self.at)

    made = generator()
    made.to_image = nn.ModuleList(Known(at) for at in made.sizes)
    made.grow_to(size, alpha)
    torch.testing.assert_close(made(torch.randn(3, 6)), blended(real, size, alpha))


def test_all_layers_have_an_equalized_learning_rate_and_the_last_ones_are_without_gain() -> None:
    for net, ends in ((generator(width=32), 3), (critic(width=32)[0], 1)):
        gains = []
        for layer in layers_of(net):
            scale = layer.weight[0].norm() / layer.parametrizations.weight.original[0].norm()
            gains.append(scale.item() * sqrt(layer.weight[0].numel()))
        assert sum(gain == pytest.approx(1, rel=1e-3) for gain in gains) == ends
        assert sum(gain == pytest.approx(sqrt(2), rel=1e-3) for gain in gains) == len(gains) - ends


def test_spectral_norm_divides_the_weight_that_is_used() -> None:
    net, _ = critic()
    SpectralNorm(kind="spectral_norm", network="critic").attach(net)
    with torch.no_grad():
        for _ in range(200):
            net(torch.randn(2, 1, 16, 16))
    net.eval()
    _idle, _idle_too, *used = layers_of(net)  # the first layers at smaller sizes
    assert len(used) == 1 + 2 * 2 + 3
    for layer in used:
        assert torch.linalg.svdvals(layer.weight.flatten(1))[0].item() == pytest.approx(1, abs=0.02)


def test_every_convolution_of_the_generator_is_normalised() -> None:
    made = generator()
    modules = list(made.modules())
    assert sum(isinstance(m, PixelNorm) for m in modules) == 2 + 1 + 2 * 2  # latent, dense, 3x3, and two a block
    outs: list[Tensor] = []
    for block in [made.first, *made.blocks]:
        block.register_forward_hook(lambda _module, _input, out: outs.append(out))
    made(torch.randn(4, 6))
    assert [out.shape[-1] for out in outs] == [4, 8, 16]
    for out in outs:
        torch.testing.assert_close(out.square().mean(1), torch.ones(4, *out.shape[2:]), rtol=1e-3, atol=1e-3)


def test_generator_only_sees_the_direction_of_the_latent() -> None:
    made, z = generator(), torch.randn(4, 6)
    torch.testing.assert_close(made(3 * z), made(z), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("minibatch_stddev", [True, False])
@pytest.mark.parametrize("size", [4, 8])
def test_only_minibatch_stddev_couples_samples(minibatch_stddev: bool, size: int) -> None:
    net, body = critic((1, 8, 8), minibatch_stddev=minibatch_stddev)
    body.grow_to(size, 1.0)
    x = torch.randn(6, 1, 8, 8)
    others = torch.cat([x[:1], 3 * torch.randn(5, 1, 8, 8) + 1])
    changed = not torch.allclose(net(x).score[0], net(others).score[0], rtol=1e-4, atol=1e-7)
    assert changed == minibatch_stddev
    assert critic_part(minibatch_stddev=minibatch_stddev).uses_batch_stats == minibatch_stddev


def test_a_uniform_batch_is_judged_otherwise_than_a_varied_one() -> None:
    """What minibatch stddev is for: a generator that has collapsed cannot hide it."""
    net, _ = critic((1, 8, 8))
    x = torch.randn(8, 1, 8, 8)
    assert (net(x).score[0] - net(x[:1].expand(8, -1, -1, -1)).score[0]).abs() > 1e-3


def test_blocks_that_are_not_in_use_have_no_gradient() -> None:
    made, (judged, body) = generator(), critic()
    for size, alpha, idle_blocks, idle_images in (
        (4, 1.0, {0, 1}, {1, 2}),
        (8, 0.5, {1}, {2}),
        (16, 1.0, set(), {0, 1}),
    ):
        for net, grown, images in ((made, made, made.to_image), (judged, body, body.from_image)):
            net.zero_grad(set_to_none=True)
            grown.grow_to(size, alpha)
            out = net(torch.randn(4, 6)) if net is made else net(torch.randn(4, 1, 16, 16)).score
            out.sum().backward()
            idle = {i for i, b in enumerate(grown.blocks) if all(p.grad is None for p in b.parameters())}
            assert idle == idle_blocks
            assert {i for i, m in enumerate(images) if all(p.grad is None for p in m.parameters())} == idle_images


def test_size_and_alpha_are_saved_and_restored() -> None:
    made, (judged, body) = generator(), critic()
    z, x = torch.randn(3, 6), torch.randn(3, 1, 16, 16)
    made.grow_to(8, 0.3)
    body.grow_to(16, 0.6)
    image, score = made(z), judged(x).score
    again, (other, other_body) = generator(), critic()
    again.load_state_dict(load(save(made.state_dict())))
    other.load_state_dict(load(save(judged.state_dict())))
    assert (again.sizes[again.level], again.alpha) == (8, 0.3)
    assert other_body.alpha == 0.6
    assert torch.equal(again(z), image)
    assert torch.equal(other(x).score, score)


@pytest.mark.parametrize(("size", "alpha"), [(4, 0.5), (8, 1.1), (8, -0.1), (6, 1.0), (32, 1.0)])
def test_an_unknown_size_or_alpha_is_refused(size: int, alpha: float) -> None:
    made = generator()
    with pytest.raises(ValueError, match=r"alpha|not in tuple"):
        made.grow_to(size, alpha)
    assert (made.sizes[made.level], made.alpha) == (16, 1.0)


def test_signals_keep_their_scale_through_the_critic() -> None:
    """What He's constant is for: no layer of a fresh network drowns or blows up what it gets."""
    net, _ = critic((1, 32, 32), width=64)
    score = net(torch.randn(64, 1, 32, 32)).score
    assert 0.01 < score.std().item() < 10
