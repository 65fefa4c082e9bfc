"""Qi 2017, Loss-Sensitive GAN (arXiv 1701.06264), equations 6 and 7: a margin that grows with the distance."""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import Tensor
from torch.nn.functional import relu

from ganpipe.game import Round
from ganpipe.objectives import Objective
from ganpipe.params import NonNegative, Positive


class LossSensitive(Objective):
    """Critic: relu(margin * d(x, G(z)) + L(x) - L(G(z))) + real_weight * L(x). Generator: L(G(z)).

    d is the mean absolute difference of each real and its fake, paired by index: mean, not the paper's sum over
    pixels, so that one margin serves every image size. margin is the paper's lambda, real_weight its gamma.
    """

    kind: Literal["loss_sensitive"]
    margin: Positive
    real_weight: NonNegative
    scale: ClassVar[Literal["score", "energy"]] = "energy"

    def critic(self, game: Round) -> Tensor:
        distance = (game.real - game.fake).abs().flatten(1).mean(1)
        loss = relu(self.margin * distance + game.on_real.score - game.on_fake.score)
        return loss + self.real_weight * game.on_real.score

    def generator(self, game: Round) -> Tensor:
        return game.on_fake.score
