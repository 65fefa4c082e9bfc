"""A mixture of Gaussians on the line: f-GAN's example (Nowozin et al. 2016, arXiv 1606.00709, section 2.5)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from ganpipe.data._synthetic_points import SyntheticPoints
from ganpipe.parts import Frozen, Length, Number, Positive, refuse
from ganpipe.prepared import PreparedDataset


class Component(Frozen):
    """One Gaussian of the mixture. share: its weight; the weights sum to 1."""

    share: Annotated[float, Field(gt=0, le=1)]
    mean: Number
    variance: Positive


class Gaussian1D(SyntheticPoints):
    """Points on the line, shape (1,). scale: points are divided by it for training.

    train, test: independent samples in each split. seed: of the random generator.
    """

    kind: Literal["gaussian_1d"]
    components: Annotated[tuple[Component, ...], Field(strict=False, min_length=1)]
    scale: Length

    @model_validator(mode="after")
    def _check_shares(self) -> Gaussian1D:
        total = sum(component.share for component in self.components)
        if abs(total - 1) > 1e-9:
            shares = " + ".join(f"{component.share:g}" for component in self.components)
            problem = f"has the shares {shares} = {total:.6g}; make them add up to `1`"
            raise refuse(problem, "components", value=[component.model_dump() for component in self.components])
        return self

    @property
    def shape(self) -> tuple[int, ...]:
        return (1,)

    def load(self, root: Path) -> PreparedDataset:
        rng = np.random.default_rng(self.seed)
        mean = np.array([c.mean for c in self.components])
        std = np.sqrt([c.variance for c in self.components])

        def draw(n: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
            labels = rng.choice(len(mean), size=n, p=[c.share for c in self.components])
            values = mean[labels] + std[labels] * rng.standard_normal(n)
            return values.astype(np.float32)[:, None], labels.astype(np.int64)

        (x, y), (x_test, y_test) = draw(self.train), draw(self.test)
        return PreparedDataset(x, y, x_test, y_test, len(mean), scale=self.scale)
