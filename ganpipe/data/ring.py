"""Gaussians on a circle (Metz et al. 2016, arXiv 1611.02163, section 3.3.1)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from ganpipe.data import Dataset
from ganpipe.data._mixture import mixture
from ganpipe.params import Count, Positive, Seed
from ganpipe.prepared import Prepared


class Ring(Dataset):
    """modes: how many, evenly spaced on a circle of this radius. std: each mode's deviation per axis.

    train, test: independent samples of each split. seed: of the draw.
    """

    kind: Literal["ring"]
    modes: Annotated[int, Field(ge=2, le=1000)]
    radius: Positive
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
        # endpoint=False: a linspace up to 2 pi puts two modes in one place
        angle = np.linspace(0, 2 * np.pi, self.modes, endpoint=False)
        centres = self.radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        return mixture(centres, self.std, self.train, self.test, self.seed)
