"""Feature matching: Salimans et al. 2016 (arXiv 1606.03498), section 3.1, as a term beside the generator's loss."""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import Generator, Tensor

from ganpipe.critic import CriticBatch, CriticFunction
from ganpipe.penalties import Penalty


class FeatureMatching(Penalty):
    """weight |mean code(x) - mean code(G(z))|^2 / C on the critic's codes, (N, C): the mean over the features."""

    kind: Literal["feature_matching"]
    network: ClassVar[Literal["critic", "generator"]] = "generator"
    needs_code: ClassVar[bool] = True

    def __call__(self, critic: CriticFunction, batch: CriticBatch, rng: Generator) -> Tensor:
        real, fake = batch.real_output.code, batch.fake_output.code
        if real is None or fake is None:
            raise TypeError("feature matching needs a critic with a code")
        return self.weight * (real.mean(0) - fake.mean(0)).square().mean()
