"""Gaussians on a circle (Metz et al. 2017, arXiv 1611.02163, section 3.1)."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ganpipe.data._synthetic_points import PlaneMixture
from ganpipe.parts import Length


class Ring(PlaneMixture):
    """modes: their number, evenly spaced on a circle of this radius. std: standard deviation of each mode per axis.

    train, test: independent samples in each split. seed: of the random generator.
    """

    kind: Literal["ring"]
    modes: Annotated[int, Field(ge=2, le=1000)]
    radius: Length

    def centres(self) -> NDArray[np.float64]:
        # without the end point, which is the first mode again
        angle = np.linspace(0, 2 * np.pi, self.modes, endpoint=False)
        centres: NDArray[np.float64] = self.radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        return centres
