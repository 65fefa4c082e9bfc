"""Layers of progressive growing: blended reals, equalized learning rate, pixel norm, minibatch stddev."""

from __future__ import annotations

from math import sqrt

import pytest
import torch
from torch import nn
from torch.nn.functional import conv2d, linear

from ganpipe.networks._growing import MinibatchStdDev, PixelNorm, blended, equalized_lr
from ganpipe.optimizers.adam import Adam

ADAM = Adam(kind="adam", lr=0.01, betas=(0.9, 0.999))


def test_blended_by_hand() -> None:
    real = torch.zeros(1, 1, 4, 4)
    real[0, 0, 0] = torch.tensor([4.0, 0.0, 8.0, 8.0])
    assert blended(real, 4, 1.0)[0, 0, 0].tolist() == [4, 0, 8, 8]
    assert blended(real, 4, 0.0)[0, 0, :2].tolist() == [[1, 1, 4, 4], [1, 1, 4, 4]]
    assert blended(real, 4, 0.5)[0, 0, :2].tolist() == [[2.5, 0.5, 6, 6], [0.5, 0.5, 2, 2]]
    assert blended(real, 2, 1.0)[0, 0, :2].tolist() == [[1, 1, 4, 4], [1, 1, 4, 4]]
    assert blended(real, 2, 0.5)[0, 0, 0].tolist() == [1.125, 1.125, 2.625, 2.625]
    assert torch.equal(blended(real, 1, 1.0), torch.full((1, 1, 4, 4), 1.25))


def test_equalized_weights_are_standard_normal_times_hes_constant() -> None:
    for layer, function, x in (
        (nn.Conv2d(32, 40, 3, padding=1), lambda x, w: conv2d(x, w, padding=1), torch.randn(2, 32, 5, 5)),
        (nn.Linear(288, 40), linear, torch.randn(2, 288)),
    ):
        equalized_lr(layer, gain=3.0)
        original = layer.parametrizations.weight.original
        assert original.std().item() == pytest.approx(1, rel=0.03)
        assert torch.equal(layer.bias, torch.zeros(40))
        torch.testing.assert_close(layer.weight, original * 3 / sqrt(288))
        torch.testing.assert_close(layer(x), function(x, original * 3 / sqrt(288)))


def test_an_adam_step_is_equally_large_for_every_fan_in() -> None:
    """The purpose (section 4.1): relative to He's scale each weight moves as far, whatever the layer's fan-in.

    The scale is that of the distribution, for few weights may happen to be more or less spread than it is.
    """
    for fan_in in (4, 400):
        scale = sqrt(2 / fan_in)
        plain = nn.Linear(fan_in, 50)
        nn.init.normal_(plain.weight, 0.0, scale)
        for layer, expected in ((equalized_lr(nn.Linear(fan_in, 50)), 0.01), (plain, 0.01 / scale)):
            optimizer = ADAM.build(layer.parameters())
            before = layer.weight.detach().clone()
            layer(torch.randn(8, fan_in)).square().sum().backward()
            optimizer.step()
            moved = (layer.weight - before).detach().abs() / scale
            torch.testing.assert_close(moved, torch.full_like(moved, expected), rtol=1e-3, atol=1e-5)


def test_pixel_norm_is_over_the_channels_of_each_position() -> None:
    x = torch.randn(2, 5, 3, 3) * torch.rand(2, 1, 3, 3) * 10
    y = PixelNorm()(x)
    torch.testing.assert_close(y.square().mean(1), torch.ones(2, 3, 3), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(y[1, :, 2, 0], x[1, :, 2, 0] / x[1, :, 2, 0].square().mean().sqrt())
    torch.testing.assert_close(PixelNorm()(torch.tensor([[3.0, 4.0]])), torch.tensor([[3.0, 4.0]]) / sqrt(12.5))
    assert torch.equal(PixelNorm()(torch.zeros(1, 2, 1, 1)), torch.zeros(1, 2, 1, 1))


def test_minibatch_stddev_by_hand() -> None:
    """Deviations of 2 (values 1, 5), 0 and 1 in the first map and 3 in the rest of six numbers: their mean is 2."""
    x = torch.zeros(2, 2, 1, 3)
    x[0, 0, 0], x[1, 0, 0] = torch.tensor([1.0, 4.0, 0.0]), torch.tensor([5.0, 4.0, 2.0])
    x[1, 1, 0] = 6.0
    y = MinibatchStdDev()(x)
    assert y.shape == (2, 3, 1, 3)
    assert torch.equal(y[:, :2], x)
    torch.testing.assert_close(y[:, 2], torch.full((2, 1, 3), 2.0), rtol=1e-4, atol=1e-4)


def test_minibatch_stddev_of_equal_samples_is_0_and_has_a_finite_gradient() -> None:
    """A root has none at 0, where a single sample and a collapsed generator's batch are."""
    one = torch.randn(1, 2, 1, 3)
    for n in (1, 4):
        x = one.repeat(n, 1, 1, 1).requires_grad_(True)
        y = MinibatchStdDev()(x)
        assert y[:, 2].abs().max() < 1e-3
        y.sum().backward()
        assert x.grad is not None
        torch.testing.assert_close(x.grad, torch.ones_like(x))  # that of the features, which go through as they are


def test_minibatch_stddev_has_a_gradient_towards_variety() -> None:
    """The gradient by hand: d/dx_i of the deviation is (x_i - mean) / (n * std)."""
    x = torch.tensor([1.0, 5.0, 6.0]).reshape(3, 1, 1, 1).requires_grad_(True)
    MinibatchStdDev()(x)[0, 1].sum().backward()
    expected = torch.tensor([-3.0, 1.0, 2.0]) / (3 * sqrt(14 / 3))
    assert x.grad is not None
    torch.testing.assert_close(x.grad.flatten(), expected)
