"""Self-attention against a loop over single positions, and what it must be at the start."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from ganpipe.networks._attention import SelfAttention, attention_incompatibility


def attention(channels: int, gamma: float) -> SelfAttention:
    layer = SelfAttention(channels)
    with torch.no_grad():
        layer.gamma.fill_(gamma)
        for weight in (layer.query.weight, layer.key.weight):
            weight.mul_(5)  # far from uniform weights
    return layer


def pooled(x: Tensor) -> list[list[Tensor]]:
    """The largest of each feature in squares of two; an odd last row or column is left out."""
    rows, columns = x.shape[1] // 2, x.shape[2] // 2
    return [[x[:, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].amax((1, 2)) for j in range(columns)] for i in range(rows)]


def naive(layer: SelfAttention, x: Tensor) -> Tensor:
    """Sample by sample and position by position, as the paper's equations 1 to 3 stand, with pooled sources."""
    wq, wk, wv, wo = (c.weight[:, :, 0, 0] for c in (layer.query, layer.key, layer.value, layer.output))
    out = x.clone()
    for n, one in enumerate(x):
        keys = [k for row in pooled(torch.einsum("oc,chw->ohw", wk, one)) for k in row]
        values = [v for row in pooled(torch.einsum("oc,chw->ohw", wv, one)) for v in row]
        for i in range(one.shape[1]):
            for j in range(one.shape[2]):
                query = wq @ one[:, i, j]
                exponents = [torch.exp(query @ key) for key in keys]
                gathered = sum((e * v for e, v in zip(exponents, values, strict=True)), torch.zeros_like(values[0]))
                out[n, :, i, j] += layer.gamma * (wo @ (gathered / sum(exponents)))
    return out


@pytest.mark.parametrize("shape", [(16, 4, 4), (8, 7, 7), (3, 6, 4), (1, 2, 2)], ids=str)
def test_is_the_formula(shape: tuple[int, int, int]) -> None:
    layer, x = attention(shape[0], 0.7), torch.randn(3, *shape)
    with torch.no_grad():
        torch.testing.assert_close(layer(x), naive(layer, x), rtol=1e-4, atol=1e-5)
        assert (layer(x) - x).abs().max() > 0.01


def test_starts_as_the_identity_and_can_leave_it() -> None:
    layer, x = SelfAttention(16), torch.randn(3, 16, 4, 4)
    assert layer.gamma.item() == 0
    assert torch.equal(layer(x), x)
    (layer(x) * torch.randn_like(x)).sum().backward()
    assert layer.gamma.grad is not None
    assert layer.gamma.grad != 0
    assert isinstance(layer.gamma, torch.nn.Parameter)


def test_channels_are_those_of_the_paper() -> None:
    for channels, inner, value in ((64, 8, 32), (16, 2, 8), (4, 1, 2), (1, 1, 1)):
        layer = SelfAttention(channels)
        assert layer.query.out_channels == layer.key.out_channels == inner
        assert layer.value.out_channels == layer.output.in_channels == value
        assert layer.output.out_channels == channels
        assert all(isinstance(m, torch.nn.Conv2d) for m in layer.children())  # so that spectral norm covers them


def test_an_unknown_size_is_named() -> None:
    assert attention_incompatibility("the critic x", 0, [16, 8, 8]) is None
    assert attention_incompatibility("the critic x", 8, [16, 8, 8]) is None
    sentence = attention_incompatibility("the critic x", 4, [16, 8, 8])
    assert sentence == "the critic x has maps of 16 or 8 pixels on such images, and `attention` asks for one of 4"
