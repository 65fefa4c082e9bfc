"""The plane's data sets of the value surfaces, in the networks' space."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from ganpipe.data import Dataset
from ganpipe.data.grid import Grid
from ganpipe.data.ring import Ring
from ganpipe.data.swiss_roll import SwissRoll


def datasets(samples: int) -> dict[str, Dataset]:
    """By name, with so many samples in each split."""
    size = {"train": samples, "test": samples, "seed": 0}
    return {
        "8 Gaussians": Ring(kind="ring", modes=8, radius=2.0, std=0.02, **size),
        "25 Gaussians": Grid(kind="grid", side=5, spacing=2.0, std=0.05, **size),
        "Swiss roll": SwissRoll(kind="swiss_roll", noise=0.25, **size),
    }


def load(dataset: Dataset) -> tuple[Tensor, Tensor]:
    """Training and test samples, (N, 2) each, float32, divided by the data's scale."""
    data = dataset.load(Path())
    return torch.from_numpy(data.train / data.scale).float(), torch.from_numpy(data.test / data.scale).float()


def blurred(real: Tensor, std: float, seed: int) -> Tensor:
    """The samples with Gaussian noise: the fixed generator of Gulrajani et al. 2017 (arXiv 1704.00028), figure 1."""
    return real + std * torch.randn(real.shape, generator=torch.Generator().manual_seed(seed))


def between(real: Tensor, fake: Tensor, seed: int) -> Tensor:
    """Points on the lines between pairs, at uniform shares: where the gradient penalty is taken."""
    share = torch.rand((len(real), 1), generator=torch.Generator().manual_seed(seed))
    return share * real + (1 - share) * fake
