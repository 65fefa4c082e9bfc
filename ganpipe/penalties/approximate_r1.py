"""R1 and R2 without a second derivative: Lin et al. 2025 (arXiv 2501.08316), their approximated R1."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Generator, Tensor

from ganpipe.critic import CriticBatch, CriticFunction, in_float32, mean_over_scores
from ganpipe.parts import Length
from ganpipe.penalties import Penalty


class ApproximateR1(Penalty):
    """weight / 2 ((D(x + sigma e) - D(x)) / sigma)^2 with e ~ N(0, I), of several scores a sample their mean.

    Its expectation is that of R1, weight / 2 |dD/dx|^2, and weight / 8 sigma^2 (tr(H)^2 + 2 tr(H^2)) where D has the
    second derivative H. The paper's form, without the division, is this one with weight = 2 lambda sigma^2.
    at: real for R1, fake for R2. sigma: the standard deviation of the noise, in the networks' space.
    """

    kind: Literal["approximate_r1"]
    at: Literal["real", "fake"]
    sigma: Length

    @property
    def bounds_loss(self) -> bool:
        return True

    def __call__(self, critic: CriticFunction, batch: CriticBatch, rng: Generator) -> Tensor:
        x, output = (batch.real, batch.real_output) if self.at == "real" else (batch.fake, batch.fake_output)
        noise = torch.randn(x.shape, generator=rng, device=x.device)
        full = in_float32(critic)  # bfloat16 has fewer digits than the difference of the two scores needs
        score = output.score if full is critic else full(x).score
        slopes = (full(x + self.sigma * noise).score - score) / self.sigma
        return 0.5 * self.weight * mean_over_scores(slopes.square())
