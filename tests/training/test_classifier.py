"""The classifier of the evaluation: its settings by data set, and how its training images are varied."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import torch
from torch import nn

from ganpipe.config import configuration
from ganpipe.training.classifier import Classifier, augmented

PARAMS = Path(__file__).resolve().parents[2] / "params.yaml"


@pytest.mark.parametrize(
    ("data", "colour"), [("digits", False), ("stacked_mnist", False), ("image_folder", True), ("cifar10", True)]
)
def test_colour_images_have_a_network_of_their_own(data: str, colour: bool) -> None:
    """The channels of a stacked image are images of their own."""
    chosen = configuration.load(PARAMS)
    params, shape = chosen.classifier.of(chosen.datasets[data]), chosen.datasets[data].shape
    assert (params == chosen.classifier.colour) == colour
    layers = Classifier(params, shape, 10).body
    channels = [layer.out_channels for layer in layers if isinstance(layer, nn.Conv2d)]
    assert channels[:2] == [16, 32]
    assert max(channels) == (128 if colour else 32)
    assert any(isinstance(layer, nn.BatchNorm2d) for layer in layers) == colour


def test_images_are_moved_and_mirrored_by_chance_each_by_itself() -> None:
    """Each pixel holds its row and column: both of an image move by at most 16 / 8, and half are mirrored."""
    n, size, reach = 2000, 16, 2
    rows, columns = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    images = torch.stack([rows, columns, torch.zeros_like(rows)]).to(torch.uint8).expand(n, -1, -1, -1).clone()
    images[:, 2] = (torch.arange(n) % 251).to(torch.uint8)[:, None, None]
    found = augmented(images, torch.Generator().manual_seed(0))
    assert (found.shape, found.dtype) == (images.shape, torch.uint8)
    assert torch.equal(found[:, 2], images[:, 2])
    inner = slice(reach, -reach)  # where no edge is repeated
    down = found[:, 0, inner, 0].int() - torch.arange(size)[inner]
    assert torch.equal(down, down[:, :1].expand_as(down))
    steps = found[:, 1, 0, inner].int().diff(dim=1)
    assert set(steps[:, 0].tolist()) == {-1, 1}
    assert torch.equal(steps, steps[:, :1].expand_as(steps))
    assert 0.45 < (steps[:, 0] < 0).float().mean() < 0.55
    counts = Counter(down[:, 0].tolist())
    assert set(counts) == {-2, -1, 0, 1, 2}
    assert min(counts.values()) > n / 5 * 0.8
