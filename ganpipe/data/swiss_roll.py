"""Points on a spiral in the plane: scikit-learn's Swiss roll without its height (Marsland 2014, chapter 6)."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ganpipe.data._synthetic_points import SyntheticPoints
from ganpipe.params import NonNegative
from ganpipe.prepared import PreparedDataset

# the angle at the inner and at the outer end, in radians: one turn and a half. They are no parameters: between others
# it is another curve than the one of that name
START, END = 1.5 * np.pi, 4.5 * np.pi


class SwissRoll(SyntheticPoints):
    """Points t (cos t, sin t) with t uniform over one turn and a half. There are no modes and one class.

    noise: deviation of Gaussian noise per axis, where the radius grows by 1 per radian, from 4.7 to 14.1.
    train, test: independent samples of each split. seed: of the draw.
    """

    kind: Literal["swiss_roll"]
    noise: NonNegative

    @property
    def shape(self) -> tuple[int, ...]:
        return (2,)

    def load(self, root: Path) -> PreparedDataset:
        # not by scikit-learn's function: its seeds end at 32 bits
        rng = np.random.default_rng(self.seed)

        def draw(n: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
            t = rng.uniform(START, END, size=(n, 1))
            points = t * np.hstack([np.cos(t), np.sin(t)]) + self.noise * rng.standard_normal((n, 2))
            return points.astype(np.float32), np.zeros(n, np.int64)

        (x, y), (x_test, y_test) = draw(self.train), draw(self.test)
        # the mean of t**2, halved for each axis: about unit variance
        square = (START**2 + START * END + END**2) / 3
        return PreparedDataset(x, y, x_test, y_test, classes=1, scale=float(np.sqrt(square / 2 + self.noise**2)))
