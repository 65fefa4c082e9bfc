"""Gaussians on a square grid (Lin et al. 2018, PacGAN, arXiv 1712.04086, section 4.1)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from ganpipe.data import Dataset
from ganpipe.data._mixture import mixture
from ganpipe.params import Count, Positive, Seed
from ganpipe.prepared import Prepared


class Grid(Dataset):
    """side: modes along each axis, `spacing` apart and centred on 0. std: each mode's deviation per axis.

    train, test: independent samples of each split. seed: of the draw.
    """

    kind: Literal["grid"]
    side: Annotated[int, Field(ge=2, le=100)]
    spacing: Positive
    std: Positive
    train: Count
    test: Count
    seed: Seed

    @property
    def form(self) -> Literal["images", "points"]:
        return "points"

    @property
    def shape(self) -> tuple[int, ...]:
        return (2,)

    def load(self, root: Path) -> Prepared:
        axis = self.spacing * (np.arange(self.side) - (self.side - 1) / 2)
        centres = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
        return mixture(centres, self.std, self.train, self.test, self.seed)
