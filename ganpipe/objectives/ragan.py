"""Relativistic average GAN: Jolicoeur-Martineau 2018 (arXiv 1807.00734), equations 7 to 10."""

from __future__ import annotations

from typing import Literal

from torch import Tensor
from torch.nn.functional import relu, softplus

from ganpipe.critic import CriticBatch
from ganpipe.objectives import Objective


class RaGAN(Objective):
    """Each score against the mean of the other side: a = r - mean(f), b = f - mean(r), the means with gradient.

    loss: loss(x) is sp(-x) for `logistic` (RaGAN), (x - 1)^2 for `least_squares` (RaLSGAN), relu(1 - x) for `hinge`.
    """

    kind: Literal["ragan"]
    loss: Literal["logistic", "least_squares", "hinge"]

    def critic(self, batch: CriticBatch) -> Tensor:
        """(loss(a) + loss(-b)) / 2."""
        a, b = _against_means(batch)
        return 0.5 * (self._loss(a) + self._loss(-b))

    def generator(self, batch: CriticBatch) -> Tensor:
        """(loss(-a) + loss(b)) / 2."""
        a, b = _against_means(batch)
        return 0.5 * (self._loss(-a) + self._loss(b))

    def _loss(self, x: Tensor) -> Tensor:
        if self.loss == "logistic":
            return softplus(-x)
        return (x - 1) ** 2 if self.loss == "least_squares" else relu(1 - x)


def _against_means(batch: CriticBatch) -> tuple[Tensor, Tensor]:
    real, fake = batch.real_output.score, batch.fake_output.score
    return real - fake.mean(), fake - real.mean()
