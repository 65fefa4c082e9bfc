"""Mao et al. 2017 (arXiv 1611.04076), equation 2: least squares on the raw critic output."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator
from torch import Tensor

from ganpipe.game import Round
from ganpipe.objectives import Objective
from ganpipe.params import Number, refuse


class LSGAN(Objective):
    """Critic: (r - real)^2 / 2 + (f - fake)^2 / 2. Generator: (f - target)^2 / 2.

    real, fake, target are the paper's b, a, c: (1, 0, 1) in practice; (1, -1, 0) makes the generator minimise the
    Pearson divergence between p + q and 2q (equation 8).
    """

    kind: Literal["lsgan"]
    real: Number
    fake: Number
    target: Number

    @model_validator(mode="after")
    def _apart(self) -> LSGAN:
        for name in ("real", "target"):
            if getattr(self, name) == self.fake:
                raise refuse("is the code of fakes too, so nothing moves; use another", name, value=self.fake)
        return self

    def critic(self, batch: Round) -> Tensor:
        return 0.5 * (batch.on_real.score - self.real) ** 2 + 0.5 * (batch.on_fake.score - self.fake) ** 2

    def generator(self, batch: Round) -> Tensor:
        return 0.5 * (batch.on_fake.score - self.target) ** 2
