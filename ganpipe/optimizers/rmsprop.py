"""RMSprop: Hinton 2012; the optimizer of WGAN (arXiv 1701.07875)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field
from torch import nn, optim

from ganpipe.optimizers import Optimizer
from ganpipe.optimizers._eager import eager
from ganpipe.schedules import at

_RMSprop = eager(optim.RMSprop)


class RMSprop(Optimizer):
    """alpha: decay of the mean of the squared gradient."""

    kind: Literal["rmsprop"]
    alpha: Annotated[float, Field(ge=0, lt=1)]

    def build(self, parameters: Iterable[nn.Parameter]) -> optim.Optimizer:
        return _RMSprop(parameters, lr=at(self, 0.0).lr, alpha=self.alpha, foreach=True)
