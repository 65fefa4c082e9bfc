"""Least squares GAN: Mao et al. 2017 (arXiv 1611.04076)."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator
from torch import Tensor

from ganpipe.critic import CriticBatch
from ganpipe.objectives import Objective
from ganpipe.parts import Number, refuse


class LSGAN(Objective):
    """Least squares on the raw critic output, without a sigmoid.

    real, fake, target: the paper's b, a and c. (1, 0, 1) in practice; with (1, -1, 0) the generator minimises the
    Pearson divergence between p + q and 2q (equation 8).
    """

    kind: Literal["lsgan"]
    real: Number
    fake: Number
    target: Number

    @model_validator(mode="after")
    def _labels_differ(self) -> LSGAN:
        for name in ("real", "target"):
            if getattr(self, name) == self.fake:
                raise refuse("is the label of fakes too, so nothing is learned; use another", name, value=self.fake)
        return self

    def critic(self, batch: CriticBatch) -> Tensor:
        """(r - b)^2 / 2 + (f - a)^2 / 2: equation 2; the optimum is (b p + a q) / (p + q)."""
        return 0.5 * (batch.real_output.score - self.real) ** 2 + 0.5 * (batch.fake_output.score - self.fake) ** 2

    def generator(self, batch: CriticBatch) -> Tensor:
        """(f - c)^2 / 2: equation 2."""
        return 0.5 * (batch.fake_output.score - self.target) ** 2
