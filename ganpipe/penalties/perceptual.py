"""A perceptual regulariser: fakes get the features of reals (Salimans et al. 2016, 1606.03498, section 3.1)."""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import Generator, Tensor

from ganpipe.game import CriticFunction, Round
from ganpipe.penalties import Penalty


class Perceptual(Penalty):
    """weight * |mean code(x) - mean code(G(z))|^2 / C on the critic's codes, a mean over the C features."""

    kind: Literal["perceptual"]
    player: ClassVar[Literal["critic", "generator"]] = "generator"
    needs_code: ClassVar[bool] = True

    def __call__(self, critic: CriticFunction, game: Round, rng: Generator) -> Tensor:
        real, fake = game.on_real.code, game.on_fake.code
        if real is None or fake is None:
            raise TypeError("the perceptual regulariser needs a critic with a code")
        return self.weight * (real.mean(0) - fake.mean(0)).square().mean()
