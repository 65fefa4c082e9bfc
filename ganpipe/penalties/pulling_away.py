"""Pulling-away term of EBGAN: Zhao et al. 2016 (arXiv 1609.03126), equation 4."""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import Generator, Tensor
from torch.nn.functional import normalize

from ganpipe.critic import CriticBatch, CriticFunction
from ganpipe.penalties import Penalty


class PullingAway(Penalty):
    """weight * mean over i != j of cos^2(s_i, s_j) on the fakes' codes s: 0 when orthogonal, 1 when parallel."""

    kind: Literal["pulling_away"]
    network: ClassVar[Literal["critic", "generator"]] = "generator"
    needs_code: ClassVar[bool] = True

    def __call__(self, critic: CriticFunction, batch: CriticBatch, rng: Generator) -> Tensor:
        code = batch.fake_output.code
        if code is None:
            raise TypeError("the pulling-away term needs a critic with a code")
        n = len(code)
        directions = normalize(code.float(), dim=1)
        squared = (directions @ directions.T).square()
        return self.weight * (squared.sum() - squared.diagonal().sum()) / (n * (n - 1))
