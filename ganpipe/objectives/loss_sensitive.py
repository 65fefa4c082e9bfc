"""Qi 2017, Loss-Sensitive GAN (arXiv 1701.06264), equations 6 and 7: a margin that grows with the distance."""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import Tensor
from torch.nn.functional import relu

from ganpipe.game import Round
from ganpipe.objectives import Objective
from ganpipe.params import NonNegative, Positive


class LossSensitive(Objective):
    """Critic: relu(margin * d(x, G(z)) + L(x) - L(G(z))) + gamma * L(x). Generator: L(G(z)).

    d is the mean absolute difference of each real and its fake, paired by index: mean, not the paper's sum over
    pixels, so that one margin serves every image size. margin is the paper's lambda, gamma its gamma.
    """

    kind: Literal["loss_sensitive"]
    margin: Positive
    gamma: NonNegative
    output_type: ClassVar[Literal["score", "energy"]] = "energy"

    def critic(self, batch: Round) -> Tensor:
        distance = (batch.real - batch.fake).abs().flatten(1).mean(1)
        loss = relu(self.margin * distance + batch.on_real.score - batch.on_fake.score)
        return loss + self.gamma * batch.on_real.score

    def generator(self, batch: Round) -> Tensor:
        return batch.on_fake.score
