"""The base of data sets of points that are sampled from a known distribution."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ganpipe.data import Dataset
from ganpipe.parts import Length, Samples, Seed
from ganpipe.prepared import PreparedDataset


class SyntheticPoints(Dataset):
    """Points, float32 (N, D). train, test: independent samples in each split. seed: of the random generator."""

    train: Samples
    test: Samples
    seed: Seed

    @property
    def form(self) -> Literal["images", "points"]:
        return "points"


class PlaneMixture(SyntheticPoints):
    """Equally likely isotropic Gaussians in the plane. std: standard deviation of each mode per axis."""

    std: Length

    @property
    def shape(self) -> tuple[int, ...]:
        return (2,)

    @abstractmethod
    def centres(self) -> NDArray[np.float64]:
        """The means of the modes, (M, 2)."""

    def load(self, root: Path) -> PreparedDataset:
        centres, rng = self.centres(), np.random.default_rng(self.seed)

        def draw(n: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
            labels = rng.integers(len(centres), size=n)
            return (centres[labels] + self.std * rng.standard_normal((n, 2))).astype(np.float32), labels

        (x, y), (x_test, y_test) = draw(self.train), draw(self.test)
        scale = float(np.sqrt((centres**2).mean() + self.std**2))  # to unit variance
        return PreparedDataset(x, y, x_test, y_test, len(centres), scale=scale, modes=centres, mode_std=self.std)
