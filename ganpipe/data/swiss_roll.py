"""Points on a spiral in the plane: scikit-learn's Swiss roll without its height (Marsland 2014, chapter 6)."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ganpipe.data._synthetic_points import SyntheticPoints
from ganpipe.parts import NonNegative
from ganpipe.prepared import PreparedDataset

# the angles of the inner and the outer end in radians, those of scikit-learn: one turn and a half
START, END = 1.5 * np.pi, 4.5 * np.pi


class SwissRoll(SyntheticPoints):
    """Points t (cos t, sin t) with t uniform from 1.5 pi to 4.5 pi, in one class, without known modes.

    noise: standard deviation of Gaussian noise per axis; the radius is t. train, test: independent samples in each
    split. seed: of the random generator.
    """

    kind: Literal["swiss_roll"]
    noise: NonNegative

    @property
    def shape(self) -> tuple[int, ...]:
        return (2,)

    def load(self, root: Path) -> PreparedDataset:
        rng = np.random.default_rng(self.seed)  # scikit-learn's own function takes seeds of 32 bits only

        def draw(n: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
            t = rng.uniform(START, END, size=(n, 1))
            points = t * np.hstack([np.cos(t), np.sin(t)]) + self.noise * rng.standard_normal((n, 2))
            return points.astype(np.float32), np.zeros(n, np.int64)

        (x, y), (x_test, y_test) = draw(self.train), draw(self.test)
        mean_square = (START**2 + START * END + END**2) / 3  # of t
        scale = float(np.sqrt(mean_square / 2 + self.noise**2))  # to about unit variance
        return PreparedDataset(x, y, x_test, y_test, classes=1, scale=scale)
