"""Gaussians on a square grid (Lin et al. 2018, PacGAN, arXiv 1712.04086, section 4.1)."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ganpipe.data._synthetic_points import PlaneMixture
from ganpipe.parts import Length


class Grid(PlaneMixture):
    """side: modes along each axis, `spacing` apart and centred on 0. std: standard deviation of each mode per axis.

    train, test: independent samples in each split. seed: of the random generator.
    """

    kind: Literal["grid"]
    side: Annotated[int, Field(ge=2, le=100)]
    spacing: Length

    def centres(self) -> NDArray[np.float64]:
        axis = self.spacing * (np.arange(self.side) - (self.side - 1) / 2)
        centres: NDArray[np.float64] = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
        return centres
